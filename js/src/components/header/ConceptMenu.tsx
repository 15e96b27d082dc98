// The open concept, and a menu to open another one of the corpus or a new one.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { LONGEST_CONCEPT } from "../../kernel/protocol";
import { Icon, Mark } from "../icons";
import { moveByArrows, useCloseOutside } from "../popover";

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly focusGrid: () => void;
}

export function ConceptMenu({ store, view, focusGrid }: Props) {
  const { concept } = store.state;
  const isOpen = view.menuOpen.value;
  const place = useRef<HTMLSpanElement>(null);
  useCloseOutside(place, view.menuOpen.value, () => {
    view.menuOpen.value = false;
  });
  return (
    <span class="va-menu-place" ref={place}>
      <button
        type="button"
        class="va-concept va-keeps-focus"
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        title={concept}
        onClick={() => {
          view.menuOpen.value = !isOpen;
          if (!isOpen) void store.concept.loadAll();
        }}
      >
        <span class="va-concept-name">
          {store.concept.opening.value ? `opening ${store.concept.opening.value} …` : concept}
        </span>
        <Icon name="down" />
      </button>
      {isOpen && <Menu store={store} view={view} focusGrid={focusGrid} />}
    </span>
  );
}

function Menu({ store, view, focusGrid }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const length = useSignal(0);
  const tooLong = length.value > LONGEST_CONCEPT;
  useEffect(() => input.current?.focus({ preventScroll: true }), []);
  const open = (concept: string) => {
    view.menuOpen.value = false;
    focusGrid();
    void store.concept.switchTo(concept);
  };
  return (
    <div class="va-menu" role="dialog" aria-label="Concepts of this corpus" onKeyDown={moveByArrows}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (input.current?.value.trim()) open(input.current.value);
        }}
      >
        <input
          ref={input}
          type="text"
          class="va-input"
          placeholder="a new concept: what do you look for?"
          aria-label="A new concept"
          aria-invalid={tooLong}
          onInput={(event) => {
            length.value = [...event.currentTarget.value.trim()].length;
          }}
        />
        <button type="submit" class="va-chip va-primary" disabled={tooLong}>
          Start
        </button>
        {tooLong && (
          <p class="va-too-long" role="alert">
            A concept may have {LONGEST_CONCEPT} characters, not {length.value}: put the rest into its
            guideline.
          </p>
        )}
      </form>
      <ul>
        {store.concept.all.value.map(({ concept, yes, no, empty }) => (
          <li key={concept} class="va-entry-row">
            <button
              type="button"
              class="va-entry"
              aria-current={concept === store.state.concept}
              title={concept}
              onClick={() => open(concept)}
            >
              <span class="va-entry-name">{concept}</span>
              <span class="va-count va-is-yes">
                <Mark value="yes" /> {yes}
              </span>
              <span class="va-count va-is-no">
                <Mark value="no" /> {no}
              </span>
            </button>
            {empty && (
              <button
                type="button"
                class="va-quiet va-small"
                aria-label={`Forget ${concept}`}
                title="Forget this concept: it has no labels"
                onClick={() => {
                  input.current?.focus({ preventScroll: true }); // the button is removed
                  void store.concept.forget(concept);
                }}
              >
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
