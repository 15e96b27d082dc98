// Which concept is worked on: the corpus's concepts as a menu, and a box for a new one.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { LONGEST_CONCEPT } from "../protocol";
import type { Store } from "../store";
import type { View } from "../view";
import { Icon, Mark } from "./icons";

export function ConceptMenu({ store, view, home }: { store: Store; view: View; home: () => void }) {
  const status = store.status.value;
  const open = view.menu.value;
  return (
    <span class="va-menu-place">
      <button
        type="button"
        class="va-concept va-keeps-focus"
        aria-haspopup="dialog"
        aria-expanded={open}
        title={status?.concept}
        onClick={() => {
          view.menu.value = !open;
          if (!open) void store.loadConcepts();
        }}
      >
        <span class="va-concept-name">
          {store.opening.value ? `opening ${store.opening.value} …` : status?.concept}
        </span>
        <Icon name="down" />
      </button>
      {open && <Menu store={store} view={view} home={home} />}
    </span>
  );
}

function Menu({ store, view, home }: { store: Store; view: View; home: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const length = useSignal(0);
  const tooLong = length.value > LONGEST_CONCEPT;
  useEffect(() => input.current?.focus({ preventScroll: true }), []);
  const go = (concept: string) => {
    view.menu.value = false;
    home();
    void store.switchTo(concept);
  };
  return (
    <div class="va-menu" role="dialog" aria-label="Concepts of this corpus">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (input.current?.value.trim()) go(input.current.value);
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
        {store.concepts.value.map(({ concept, yes, no }) => (
          <li key={concept}>
            <button
              type="button"
              class="va-entry"
              aria-current={concept === store.status.value?.concept}
              title={concept}
              onClick={() => go(concept)}
            >
              <span class="va-entry-name">{concept}</span>
              <span class="va-count va-is-yes">
                <Mark value="yes" /> {yes}
              </span>
              <span class="va-count va-is-no">
                <Mark value="no" /> {no}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
