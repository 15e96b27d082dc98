// The text search, with earlier queries as suggestions. Says if a selection or similar clips are shown instead.

import { useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Store } from "../../annotator/store";
import { Icon } from "../icons";

export function SearchBox({ store, focusGrid }: { store: Store; focusGrid: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const status = store.state.status.value;
  const { query } = store.state.viewState.value;
  const selection = store.navigation.selection.value;
  // Before the first paint, not after it: by then somebody may have typed, which would be overwritten.
  useLayoutEffect(() => {
    if (input.current) input.current.value = query;
  }, [query]);
  const list = useId();
  return (
    <form
      class="va-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const text = input.current?.value ?? "";
        if (!text.trim()) return;
        void store.navigation.openSearch(text);
        focusGrid(); // the results can be labelled by keyboard at once
      }}
    >
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        maxLength={500}
        list={list}
        disabled={status?.searchable === false}
        placeholder={
          status?.searchable === false ? "this corpus has no text search" : "what should the clips show?"
        }
        aria-label="Search the corpus"
        class="va-input va-search-input"
      />
      <datalist id={list}>
        {status?.queries.map((text) => (
          <option key={text} value={text} />
        ))}
      </datalist>
      {selection && (
        <span class="va-note va-selection" title={selection.title}>
          {selection.title} ({selection.clips.length})
        </span>
      )}
      {store.navigation.similarTo.value && <span class="va-note">more like one clip</span>}
    </form>
  );
}
