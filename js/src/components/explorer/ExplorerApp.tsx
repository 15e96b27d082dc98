// The whole explorer in one view; or in its place the annotator, with the way back.

import { effect, untracked, useSignal } from "@preact/signals";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { View } from "../../annotator/view";
import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView } from "../../explorer/view";
import type { Action } from "../../input/keys";
import { App } from "../App";
import { CardGrid } from "../cards/CardGrid";
import { ErrorMessage, Frame } from "../Frame";
import { Icon } from "../icons";
import { ExplorerFoot } from "./ExplorerFoot";
import { ExplorerHelp } from "./ExplorerHelp";
import { explorerCommands } from "./explorerCommands";
import { Filters } from "./Filters";
import { HitCard } from "./HitCard";
import { HitPlayer } from "./HitPlayer";
import { Names } from "./Names";
import { NoHits } from "./NoHits";
import { QueryBar } from "./QueryBar";

interface Props {
  readonly store: ExplorerStore;
  readonly view: ExplorerView;
}

export function ExplorerApp({ store, view }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const annotator = store.annotator.value;
  const isLabelling = store.state.viewState.value.labelling && annotator !== null;
  const annotatorView = useMemo(() => (annotator ? new View(annotator) : null), [annotator]);
  // The annotator says hello once its cards have their place; by then it must count as seen.
  const attached = useSignal(false);
  useLayoutEffect(() => {
    if (!isLabelling || !annotator) return undefined;
    const detach = annotator.connection.attach();
    attached.value = true;
    return () => {
      attached.value = false;
      detach();
    };
  }, [isLabelling, annotator, attached]);
  // The keyboard goes on with the cards of what the user has gone to.
  const shown = isLabelling ? attached.value && "annotator" : "hits";
  useLayoutEffect(() => {
    if (!shown || view.goesTo !== shown) return;
    view.goesTo = "";
    place.current?.querySelector<HTMLElement>(".va-box")?.focus({ preventScroll: true });
  }, [shown, view]);
  return (
    <div ref={place}>
      {shown === "hits" && <Hits store={store} view={view} />}
      {shown === "annotator" && annotator && annotatorView && (
        <>
          <p class="va-back">
            <button
              type="button"
              class="va-chip"
              onClick={() => {
                view.goesTo = "hits";
                void store.leaveAnnotator();
              }}
            >
              <Icon name="back" /> back to the query
            </button>
          </p>
          <App store={annotator} view={annotatorView} />
        </>
      )}
    </div>
  );
}

function Hits({ store, view }: Props) {
  const root = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const focusGrid = () => grid.current?.focus({ preventScroll: true });
  const { state, hits } = store;
  const { keys, size, page } = state.viewState.value;

  useEffect(
    () =>
      effect(() => {
        hits.clips.value; // runs again for each page
        untracked(() => view.restart());
      }),
    [hits, view],
  );
  // The player follows the cards again once another one has the focus.
  useEffect(
    () =>
      effect(() => {
        view.cards.focus.value;
        untracked(() => {
          view.elsewhere.value = "";
        });
      }),
    [view],
  );

  const perform = useMemo(() => {
    const handlers = explorerCommands(store, view, () =>
      requestAnimationFrame(() =>
        root.current?.querySelector<HTMLInputElement>(".va-search-input")?.select(),
      ),
    );
    return (action: Action) => {
      if (action.do === "move") view.cards.moveFocus(action.to, action.extend, hits.clips.value.length);
      else if (action.do === "command") handlers[action.command]?.();
    };
  }, [store, view, hits]);

  const onSize = useCallback((perPage: number) => void store.open(perPage), [store]);
  const onResized = useCallback(() => void hits.list.resize(view.clip.value), [hits, view]);

  return (
    <Frame
      root={root}
      label="Video explorer"
      keys={keys}
      announcement={state.announcement.value}
      focusGrid={focusGrid}
      perform={perform}
      close={() => view.close()}
    >
      <QueryBar store={store} view={view} focusGrid={focusGrid} />
      {state.error.value && (
        <ErrorMessage
          message={state.error.value}
          dismiss={() => {
            state.error.value = "";
          }}
        />
      )}
      <div class="va-choose">
        <Names store={store} />
        <Filters store={store} focusGrid={focusGrid} />
      </div>
      <div class="va-stage">
        <CardGrid
          grid={grid}
          label="clips of the query"
          clips={hits.clips.value}
          cards={view.cards}
          size={size}
          page={page}
          busy={hits.loading.value}
          empty={<NoHits store={store} />}
          onSize={onSize}
          onResized={onResized}
          onFocus={(hasKeyboard) => {
            view.hasKeyboard.value = hasKeyboard;
          }}
          renderCard={(clip, place) => {
            const hit = hits.page.value[place.index];
            return hit && <HitCard key={clip} store={store} view={view} hit={hit} {...place} />;
          }}
        />
        {view.player.open.value && view.played.value && (
          <HitPlayer store={store} view={view} clip={view.played.value} />
        )}
      </div>
      <ExplorerFoot store={store} view={view} />
      {view.panel.value === "help" && <ExplorerHelp store={store} view={view} />}
    </Frame>
  );
}
