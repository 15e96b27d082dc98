// The whole annotator in one view.

import { effect, untracked } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Store } from "../annotator/store";
import type { View } from "../annotator/view";
import type { Action } from "../input/keys";
import { Grid } from "./cards/Grid";
import { commandHandlers } from "./commands";
import { Foot } from "./Foot";
import { ErrorMessage, Frame } from "./Frame";
import { Help } from "./Help";
import { Header } from "./header/Header";
import { Player } from "./player/Player";
import { RemarkBox } from "./RemarkBox";
import { Toolbar } from "./toolbar/Toolbar";

export function App({ store, view }: { store: Store; view: View }) {
  const root = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const focusGrid = () => grid.current?.focus({ preventScroll: true });

  useEffect(
    () =>
      effect(() => {
        store.lists.clips.value; // runs again for each page
        untracked(() => view.restart());
      }),
    [store, view],
  );

  const perform = useMemo(() => {
    const handlers = commandHandlers(store, view, () =>
      requestAnimationFrame(() =>
        root.current?.querySelector<HTMLInputElement>(".va-search-input")?.select(),
      ),
    );
    return (action: Action) => {
      if (action.do === "move")
        view.cards.moveFocus(action.to, action.extend, store.lists.clips.value.length);
      else if (action.do === "command") handlers[action.command]();
    };
  }, [store, view]);

  return (
    <Frame
      root={root}
      label="Video annotator"
      keys={store.state.viewState.value.keys}
      announcement={store.state.announcement.value}
      focusGrid={focusGrid}
      perform={perform}
      close={() => view.escape()}
      turnedAt={() => view.turnedAt}
    >
      <Header store={store} view={view} focusGrid={focusGrid} />
      <Toolbar store={store} view={view} focusGrid={focusGrid} />
      {store.state.error.value && (
        <ErrorMessage
          message={store.state.error.value}
          dismiss={() => {
            store.state.error.value = "";
          }}
        />
      )}
      <div class="va-stage">
        <Grid store={store} view={view} grid={grid} />
        {view.player.open.value && view.clip.value && (
          <Player store={store} view={view} clip={view.clip.value} />
        )}
        {view.remarkOpen.value && (
          <RemarkBox
            key={view.clip.value}
            store={store}
            view={view}
            clip={view.clip.value}
            grid={grid}
            focusGrid={focusGrid}
          />
        )}
      </div>
      <Foot store={store} view={view} />
      {view.helpOpen.value && <Help store={store} view={view} />}
    </Frame>
  );
}
