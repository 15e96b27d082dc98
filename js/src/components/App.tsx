// The whole annotator in one view: layout, focus, and keys.

import { effect, untracked } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Store } from "../annotator/store";
import type { View } from "../annotator/view";
import { keepFocus } from "../input/focus";
import { watchGamepad } from "../input/gamepad";
import { guardKeys } from "../input/keyGuard";
import { type Action, actionOf, isComposing, isHostKey, repeats } from "../input/keys";
import { Grid } from "./cards/Grid";
import { commandHandlers } from "./commands";
import { Foot } from "./Foot";
import { Help } from "./Help";
import { Header } from "./header/Header";
import { Icon } from "./icons";
import { Player } from "./player/Player";
import { Toolbar } from "./toolbar/Toolbar";

export function App({ store, view }: { store: Store; view: View }) {
  const root = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const pressedAt = useRef(0); // when a key was pressed last, without the repetitions of one that is held down
  const focusGrid = () => grid.current?.focus({ preventScroll: true });

  useEffect(
    () =>
      effect(() => {
        store.lists.clips.value; // runs again for each page
        untracked(() => view.restart());
      }),
    [store, view],
  );

  // Whatever is pressed with the pointer gives the focus back to the grid, so that keys act on the cards, and Enter or
  // Space do not press it again; except boxes to type into, and what says that it keeps the focus. Runs before the
  // handlers of the element, which may remove it or stop the event.
  const onClick = (event: MouseEvent) => {
    const target = event.target as Element;
    const keeps = ".va-keeps-focus, .va-menu, select, textarea, input:not([type=range])";
    if (event.detail > 0 && !target.closest(keeps)) focusGrid();
  };

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
  useEffect(() => {
    const hasFocus = () => {
      const page = root.current?.getRootNode() as Document | ShadowRoot;
      return root.current?.contains(page.activeElement) ?? false;
    };
    return watchGamepad(window, hasFocus, perform);
  }, [perform]);
  useEffect(() => (root.current ? guardKeys(window, root.current) : undefined), []);
  useEffect(() => (root.current ? keepFocus(root.current, focusGrid) : undefined), []);

  // A key that composes a word belongs to the input method alone: Enter takes the word over and Escape drops it.
  const onKeyDownCapture = (event: KeyboardEvent) => {
    if (isTyping(event.target as Element) && isComposing(event)) event.stopPropagation();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as Element;
    if (isTyping(target)) {
      if (event.key === "Escape") {
        focusGrid();
        view.escape();
      }
      if (!isHostKey(event)) event.stopPropagation();
      return;
    }
    if (isHostKey(event)) return;
    const action = actionOf(event, store.state.viewState.value.keys);
    if (action?.do === "move" && target.matches("input")) {
      event.stopPropagation(); // moves the slider
      return;
    }
    if (action?.do === "escape") {
      const closed = view.escape();
      if (closed) focusGrid();
      else if (root.current) focusOutside(root.current); // the notebook then handles the key
      if (!closed) return;
    }
    event.stopPropagation();
    const onButton = target.closest("button, a, summary") !== null;
    if (onButton && (event.key === "Enter" || event.key === " ")) return; // presses the button
    if (!action) return;
    event.preventDefault();
    if (!event.repeat) pressedAt.current = event.timeStamp;
    const isOfFormerPage = event.repeat && pressedAt.current <= view.turnedAt;
    if (!isOfFormerPage && (!event.repeat || repeats(action))) perform(action);
  };

  return (
    <div
      ref={root}
      class="va-app"
      role="group"
      aria-label="Video annotator"
      onKeyDown={onKeyDown}
      onKeyDownCapture={onKeyDownCapture}
      onClickCapture={onClick}
    >
      <Header store={store} view={view} focusGrid={focusGrid} />
      <Toolbar store={store} view={view} focusGrid={focusGrid} />
      {store.state.error.value && <ErrorMessage store={store} />}
      <div class="va-stage">
        <Grid store={store} view={view} grid={grid} />
        {view.player.open.value && view.clip.value && (
          <Player store={store} view={view} clip={view.clip.value} />
        )}
      </div>
      <Foot store={store} view={view} />
      {view.helpOpen.value && <Help store={store} view={view} />}
      <p class="va-spoken" role="status" aria-live="polite">
        {store.state.announcement.value}
      </p>
    </div>
  );
}

function ErrorMessage({ store }: { store: Store }) {
  return (
    <p class="va-error" role="alert">
      <span>{store.state.error.value}</span>
      <button
        type="button"
        class="va-quiet va-small"
        aria-label="Dismiss"
        onClick={() => {
          store.state.error.value = "";
        }}
      >
        <Icon name="close" />
      </button>
    </p>
  );
}

function isTyping(element: Element): boolean {
  return element.matches("input:not([type=range]), textarea, select");
}

// Focuses the nearest focusable element around the widget: the notebook's cell. If there is none, removes the focus.
function focusOutside(widget: HTMLElement): void {
  let ancestor: Node | null = widget.parentNode;
  while (ancestor) {
    if (ancestor instanceof HTMLElement && ancestor.tabIndex >= 0) {
      ancestor.focus({ preventScroll: true });
      return;
    }
    ancestor = ancestor instanceof ShadowRoot ? ancestor.host : ancestor.parentNode;
  }
  const page = widget.getRootNode() as Document | ShadowRoot;
  if (page.activeElement instanceof HTMLElement) page.activeElement.blur();
}
