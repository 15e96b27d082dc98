// The text search, with earlier queries as suggestions. Shows the selection, or the clip whose similar clips are shown,
// if that is what the list shows instead.

import { useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Store } from "../../annotator/store";
import { shortcut } from "../../input/keys";
import { LIKENESSES, type Likeness, MOTION_FILTERS, type MotionFilter } from "../../kernel/protocol";
import { Choice } from "../Choice";
import { FilmstripFrame } from "../cards/FilmstripFrame";
import { Icon } from "../icons";

const FILTERS: Readonly<Record<MotionFilter, string>> = {
  all: "all clips",
  moving: "moving",
  static: "static",
};

const LIKENESS_NAMES: Readonly<Record<Likeness, string>> = {
  look: "by look",
  motion: "by motion",
  both: "by both",
};

export function SearchBox({ store, focusGrid }: { store: Store; focusGrid: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const status = store.state.status.value;
  const { query, labelled, likeness, motion } = store.state.viewState.value;
  const selection = store.navigation.selection.value;
  const hasWords = status?.searchable !== false;
  const canSearch = hasWords || status?.motion === true;
  // Before the first paint, not after it: by then somebody may have typed, which would be overwritten.
  useLayoutEffect(() => {
    if (input.current) input.current.value = query;
  }, [query]);
  const list = useId();
  return (
    <>
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
          disabled={!canSearch}
          placeholder={
            hasWords
              ? "what should the clips show?"
              : canSearch
                ? "a camera move, such as: pan left"
                : "this corpus has no text search"
          }
          aria-label="Search the corpus"
          class="va-input va-search-input"
        />
        <datalist id={list}>
          {status?.queries.map((text) => (
            <option key={text} value={text} />
          ))}
        </datalist>
      </form>
      {selection && (
        <span class="va-note va-selection" title={selection.title}>
          {selection.title} ({selection.clips.length})
        </span>
      )}
      {store.navigation.similarTo.value && (
        <Seed
          store={store}
          clip={store.navigation.similarTo.value}
          back={() => void store.navigation.leaveSimilar()}
        />
      )}
      {store.navigation.similarTo.value && status?.motion && (
        <Choice
          name="In what they are alike"
          title="Whether they look like the clip, move like it, or both"
          options={LIKENESSES}
          names={LIKENESS_NAMES}
          value={likeness}
          choose={(chosen) => void store.navigation.showLikeness(chosen)}
          focusGrid={focusGrid}
        />
      )}
      {!selection && status?.motion && (
        <Choice
          name="Moving or static"
          title="Which clips are found, by whether the camera moves"
          options={MOTION_FILTERS}
          names={FILTERS}
          value={motion}
          choose={(chosen) => void store.navigation.showMotion(chosen)}
          focusGrid={focusGrid}
        />
      )}
      {!selection && status && status.numbers.length > 0 && (
        <Order store={store} numbers={status.numbers} focusGrid={focusGrid} />
      )}
      {!selection && (
        <button
          type="button"
          class="va-chip va-show-labelled"
          aria-pressed={labelled}
          title="Show the clips that have a label, too"
          onClick={() => void store.navigation.showLabelled(!labelled)}
        >
          show labelled
        </button>
      )}
    </>
  );
}

// The number that all clips are sorted by, instead of a search.
function Order({
  store,
  numbers,
  focusGrid,
}: {
  store: Store;
  numbers: readonly string[];
  focusGrid: () => void;
}) {
  const { lowest } = store.state.viewState.value;
  const number = store.navigation.similarTo.value ? "" : store.state.number;
  const names = Object.fromEntries(numbers.map((name) => [name, `by ${name.replaceAll("_", " ")}`]));
  return (
    <>
      <Choice
        name="Sort by a number"
        title="Show all clips in the order of a number, instead of a search"
        options={["", ...numbers]}
        names={{ ...names, "": "best match" }}
        value={number}
        choose={(chosen) => void store.navigation.showSorted(chosen, lowest)}
        focusGrid={focusGrid}
      />
      {number && (
        <button
          type="button"
          class="va-chip"
          aria-pressed={lowest}
          title="Show the clips with the lowest values first"
          onClick={() => void store.navigation.showSorted(number, !lowest)}
        >
          lowest first
        </button>
      )}
    </>
  );
}

// The clip whose similar clips are shown, and the way back to where they were asked for.
function Seed({ store, clip, back }: { store: Store; clip: string; back: () => void }) {
  const filmstrip = store.media.filmstrip(clip).value;
  return (
    <span class="va-seed">
      <button
        type="button"
        class="va-quiet va-small"
        aria-label="Back from more like this"
        title={`Back (${shortcut("return", store.state.viewState.value.keys)})`}
        onClick={back}
      >
        <Icon name="back" />
      </button>
      <span class="va-seed-picture" title={store.lists.nameOf(clip)}>
        <FilmstripFrame filmstrip={filmstrip} frame={Math.floor(filmstrip.frames / 2)} />
      </span>
      <span class="va-note">more like this</span>
    </span>
  );
}
