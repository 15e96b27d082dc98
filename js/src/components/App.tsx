// The annotator as one view shows it.

import { untracked, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { commandsOf } from "../commands";
import { followPad } from "../gamepad";
import { hush } from "../hush";
import { type Action, action, leaks } from "../keys";
import type { Store } from "../store";
import type { View } from "../view";
import { Foot } from "./Foot";
import { Grid } from "./Grid";
import { Header } from "./Header";
import { Help } from "./Help";
import { Icon } from "./icons";
import { Player } from "./Player";
import { Toolbar } from "./Toolbar";

export function App({ store, view }: { store: Store; view: View }) {
  const root = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const home = () => grid.current?.focus({ preventScroll: true });

  useSignalEffect(() => {
    store.clips.value; // a new page begins at its first card
    untracked(() => view.restart());
  });

  const onClick = (event: MouseEvent) => {
    const button = (event.target as Element).closest("button, input[type=range]");
    if (!button) return;
    // What was pressed or slid by the pointer gives the keyboard back to the cards, and buttons that go away when they
    // are pressed must not take it with them.
    const byPointer = event.detail > 0 && !button.closest(".va-keeps-focus");
    if (byPointer || button.closest(".va-asking, .va-close, .va-fresh, .va-error")) home();
  };

  const act = useMemo(() => {
    const does = commandsOf(store, view, () =>
      requestAnimationFrame(() =>
        root.current?.querySelector<HTMLInputElement>(".va-search-input")?.select(),
      ),
    );
    return (todo: Action) => {
      if (todo.do === "move") view.move(todo.to, todo.extend);
      else if (todo.do === "command") does[todo.command]();
    };
  }, [store, view]);
  useEffect(() => {
    const focused = () => {
      const page = root.current?.getRootNode() as Document | ShadowRoot;
      return root.current?.contains(page.activeElement) ?? false;
    };
    return followPad(window, focused, act);
  }, [act]);
  useEffect(() => (root.current ? hush(window, root.current) : undefined), []);

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as Element;
    if (isTyping(target)) {
      if (event.key === "Escape") {
        home();
        view.escape();
      }
      if (!leaks(event)) event.stopPropagation();
      return;
    }
    if (leaks(event)) return;
    const todo = action(event, store.place.value.keys);
    if (todo?.do === "escape") {
      const closed = view.escape();
      if (closed) home();
      else if (root.current) leave(root.current); // to the notebook, whose key it then is
      if (!closed) return;
    }
    event.stopPropagation();
    const onButton = target.closest("button, a") !== null;
    if (onButton && (event.key === "Enter" || event.key === " ")) return; // the button's own
    if (!todo) return;
    event.preventDefault();
    act(todo);
  };

  return (
    <div
      ref={root}
      class="va-app"
      role="group"
      aria-label="Video annotator"
      onKeyDown={onKeyDown}
      onClick={onClick}
    >
      <Header store={store} view={view} home={home} />
      <Toolbar store={store} view={view} home={home} />
      {store.error.value && <Trouble store={store} />}
      <div class="va-stage">
        <Grid store={store} view={view} box={grid} />
        {view.playing.value && view.clip.value && <Player store={store} view={view} clip={view.clip.value} />}
      </div>
      <Foot store={store} view={view} />
      {view.help.value && <Help store={store} view={view} />}
      <p class="va-spoken" role="status" aria-live="polite">
        {store.spoken.value}
      </p>
    </div>
  );
}

function Trouble({ store }: { store: Store }) {
  return (
    <p class="va-error" role="alert">
      <span>{store.error.value}</span>
      <button
        type="button"
        class="va-quiet va-small"
        aria-label="Dismiss"
        onClick={() => {
          store.error.value = "";
        }}
      >
        <Icon name="close" />
      </button>
    </p>
  );
}

function isTyping(element: Element): boolean {
  return element.matches("input, textarea, select");
}

// Gives the keyboard back to the nearest thing around the widget that takes it: the notebook's cell.
function leave(from: HTMLElement): void {
  let around: Node | null = from.parentNode;
  while (around) {
    if (around instanceof HTMLElement && around.tabIndex >= 0) {
      around.focus({ preventScroll: true });
      return;
    }
    around = around instanceof ShadowRoot ? around.host : around.parentNode;
  }
  const page = from.getRootNode() as Document | ShadowRoot;
  if (page.activeElement instanceof HTMLElement) page.activeElement.blur();
}
