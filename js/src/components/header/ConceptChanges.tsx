// What can be done with a concept as a whole, and what comes of it.

import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../../annotator/store";
import { type ConceptShown, LONGEST_CONCEPT } from "../../kernel/protocol";
import { hintFeed } from "../../lists/feeds";

interface Props {
  readonly store: Store;
  readonly entry: ConceptShown;
  readonly fold: () => void;
  readonly focusInput: () => void;
  readonly close: () => void; // the menu
}

export function ConceptChanges({ store, entry, fold, focusInput, close }: Props) {
  const name = useRef<HTMLInputElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => panel.current?.scrollIntoView({ block: "nearest" }), []);
  const { concept, archived } = entry;
  const { feeds = [] } = store.state.status.value ?? {};
  const offered = feeds.includes(hintFeed(concept));
  const done = () => {
    focusInput(); // what has the focus is removed
    fold();
  };
  return (
    <div class="va-changes" ref={panel}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          const typed = name.current?.value.trim() ?? "";
          if (typed && typed !== concept && (await store.concept.rename(concept, typed))) done();
        }}
      >
        <input
          ref={name}
          type="text"
          class="va-input"
          aria-label={`A new name for ${concept}`}
          maxLength={LONGEST_CONCEPT}
          defaultValue={concept}
        />
        <button type="submit" class="va-chip">
          Rename
        </button>
      </form>
      <button
        type="button"
        class="va-chip"
        onClick={() => {
          void store.concept.archive(concept, !archived);
          done();
        }}
      >
        {archived ? "Restore" : "Archive"}
      </button>{" "}
      {concept !== store.state.concept && (
        <button
          type="button"
          class="va-chip"
          aria-pressed={offered}
          title="Show its yes clips here as a feed of hints; nothing is labelled by it"
          onClick={() => {
            close();
            void store.concept.offerHints(concept, !offered);
          }}
        >
          Hints here
        </button>
      )}
      <p class="va-note">
        A new name keeps labels, undo and published models. What is archived leaves this menu, can be
        restored, and nothing is deleted.
      </p>
    </div>
  );
}
