// The open concept, and a menu to open another one of the corpus or a new one.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { type ConceptShown, LONGEST_CONCEPT } from "../../kernel/protocol";
import { Icon, Mark } from "../icons";
import { Menu } from "../Menu";
import { toggle } from "../toggle";
import { ConceptChanges } from "./ConceptChanges";

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly focusGrid: () => void;
}

export function ConceptMenu({ store, view, focusGrid }: Props) {
  const { concept } = store.state;
  const { opening } = store.concept;
  return (
    <Menu
      place="va-menu-place"
      button="va-concept"
      text={
        <>
          <span class="va-concept-name">{opening.value ? `opening ${opening.value} …` : concept}</span>
          <Icon name="down" />
        </>
      }
      title={concept}
      label="Concepts of this corpus"
      isOpen={view.menuOpen.value}
      set={(isOpen) => {
        view.menuOpen.value = isOpen;
        if (isOpen) void store.concept.loadAll();
      }}
    >
      <Concepts store={store} view={view} focusGrid={focusGrid} />
    </Menu>
  );
}

function Concepts({ store, view, focusGrid }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const length = useSignal(0);
  const unfolded = useSignal(""); // the concept whose changes are shown
  const showsArchived = useSignal(false);
  const all = store.concept.all.value;
  const listed = all.filter(({ archived }) => showsArchived.value || !archived);
  const archived = all.filter((entry) => entry.archived).length;
  const tooLong = length.value > LONGEST_CONCEPT;
  const close = () => {
    view.menuOpen.value = false;
    focusGrid();
  };
  const open = (concept: string) => {
    close();
    void store.concept.switchTo(concept);
  };
  return (
    <>
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
        {listed.map((entry) => (
          <li key={entry.concept}>
            <Entry
              store={store}
              entry={entry}
              isUnfolded={unfolded.value === entry.concept}
              unfold={(concept) => {
                unfolded.value = concept;
              }}
              open={() => open(entry.concept)}
              focusInput={() => input.current?.focus({ preventScroll: true })}
              close={close}
            />
          </li>
        ))}
      </ul>
      {listed.some(({ annotators }) => annotators > 1) && (
        <p class="va-of-all">Labels of all annotators. Clips that two have labelled count twice.</p>
      )}
      {archived > 0 && (
        <button
          type="button"
          class="va-chip"
          aria-pressed={showsArchived.value}
          onClick={() => toggle(showsArchived)}
        >
          archived <span class="va-chip-count">{archived}</span>
        </button>
      )}
    </>
  );
}

interface EntryProps {
  readonly store: Store;
  readonly entry: ConceptShown;
  readonly isUnfolded: boolean; // what can be done with it is shown
  readonly unfold: (concept: string) => void; // "" for none
  readonly open: () => void;
  readonly focusInput: () => void;
  readonly close: () => void; // the menu
}

function Entry({ store, entry, isUnfolded, unfold, open, focusInput, close }: EntryProps) {
  const { concept, yes, no, annotators, empty, archived } = entry;
  const ofAll = annotators > 1 ? `Labels of ${annotators} annotators` : undefined;
  return (
    <>
      <div class="va-entry-row">
        <button
          type="button"
          class="va-entry"
          aria-current={concept === store.state.concept}
          title={concept}
          onClick={open}
        >
          <span class="va-entry-name">{concept}</span>
          {archived && <span class="va-note">archived</span>}
          <span class="va-count va-is-yes" title={ofAll}>
            <Mark value="yes" /> {yes}
          </span>
          <span class="va-count va-is-no" title={ofAll}>
            <Mark value="no" /> {no}
          </span>
        </button>
        {empty ? (
          <button
            type="button"
            class="va-quiet va-small"
            aria-label={`Forget ${concept}`}
            title="Forget this concept: it has no labels"
            onClick={() => {
              focusInput(); // the button is removed
              void store.concept.forget(concept);
            }}
          >
            <Icon name="close" />
          </button>
        ) : (
          <button
            type="button"
            class="va-quiet va-small"
            aria-label={`Rename, archive or use ${concept}`}
            title="Rename it, archive it, or use it for hints"
            aria-expanded={isUnfolded}
            onClick={() => unfold(isUnfolded ? "" : concept)}
          >
            <Icon name="more" />
          </button>
        )}
      </div>
      {isUnfolded && (
        <ConceptChanges
          store={store}
          entry={entry}
          fold={() => unfold("")}
          focusInput={focusInput}
          close={close}
        />
      )}
    </>
  );
}
