// The annotator as one view shows it.

import { useSignalEffect } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { action, leaks } from "../keys";
import type { Size, Store, View } from "../state";
import { CardView } from "./CardView";
import { Header } from "./Header";
import { Help } from "./Help";
import { Icon } from "./icons";
import { Toolbar } from "./Toolbar";

const NARROWEST: Readonly<Record<Size, number>> = { s: 168, m: 264, l: 380 };
const ROWS: Readonly<Record<Size, number>> = { s: 4, m: 3, l: 2 };
const GAP = 4;
const MOST = 48;

export function columnsIn(width: number, size: Size): number {
  return Math.max(1, Math.floor((width + GAP) / (NARROWEST[size] + GAP)));
}

export function pageOf(columns: number, size: Size): number {
  // Full rows; a narrow cell still shows a handful of cards.
  return Math.min(MOST, columns * Math.max(ROWS[size], Math.ceil(4 / columns)));
}

export function App({ store, view }: { store: Store; view: View }) {
  const root = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const ids = useId();
  const home = () => grid.current?.focus({ preventScroll: true });
  const { size, tab } = store.place.value;

  useLayoutEffect(() => {
    const element = grid.current;
    if (!element) return;
    const measure = () => {
      if (element.clientWidth === 0) return; // hidden by the host; measured again when it comes back
      const columns = columnsIn(element.clientWidth, size);
      view.columns.value = columns;
      void store.open(pageOf(columns, size));
      store.perPage.value = pageOf(columns, size);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [store, view, size]);

  useSignalEffect(() => {
    store.cards.value; // a new page begins at its first card
    view.restart();
  });

  // The grid keeps the browser's focus and names the current card: focus on a card would be lost with the card when
  // the page changes, and the next key would go to the notebook.
  const focus = view.focus.value;
  const cards = store.cards.value;
  const current = cards[focus] ? `${ids}-${focus}` : undefined;
  useLayoutEffect(() => {
    if (root.current?.contains(activeIn(root.current))) {
      grid.current?.querySelector(`[data-index="${focus}"]`)?.scrollIntoView({ block: "nearest" });
    }
  }, [focus, cards]);

  const onClick = (event: MouseEvent) => {
    const button = (event.target as Element).closest("button");
    const byPointer = event.detail > 0;
    // Buttons that go away when they are pressed must not take the keyboard with them.
    if (button && (byPointer || button.closest(".va-asking, .va-help, .va-fresh, .va-error"))) home();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as Element;
    if (isTyping(target)) {
      if (event.key === "Escape") home();
      if (!leaks(event)) event.stopPropagation();
      return;
    }
    if (leaks(event)) return;
    event.stopPropagation();
    const onButton = target.closest("button, select, textarea") !== null;
    if (onButton && (event.key === "Enter" || event.key === " ")) return; // the button's own
    const todo = action(event);
    if (!todo) return;
    event.preventDefault();
    if (todo.do === "move") view.move(todo.to, todo.extend);
    else if (todo.do === "label") view.label(todo.value);
    else if (todo.do === "undo") void store.undo();
    else if (todo.do === "redo") void store.redo();
    else if (todo.do === "enter") view.enter();
    else if (todo.do === "escape") view.escape();
    else if (todo.do === "help") view.help.value = !view.help.value;
    else if (todo.do === "feed") {
      const name = store.status.value?.feeds[todo.index];
      if (name) void store.feed(name);
    } else if (todo.do === "search") {
      void store.tab("search");
      requestAnimationFrame(() =>
        root.current?.querySelector<HTMLInputElement>(".va-search-input")?.select(),
      );
    } else if (todo.do === "play") {
      const clip = store.cards.value[view.focus.value]?.clip ?? "";
      view.playing.value = view.playing.value === clip ? "" : clip;
    }
  };

  return (
    <div
      ref={root}
      class="va-app"
      role="application"
      aria-label="Video annotator"
      onKeyDown={onKeyDown}
      onClick={onClick}
    >
      <Header store={store} home={home} />
      <Toolbar store={store} view={view} home={home} />
      {store.error.value && (
        <p class="va-error" role="alert">
          {store.error.value}
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
      )}
      {view.asking.value && <Asking view={view} />}
      <div
        ref={grid}
        class="va-grid"
        role="grid"
        tabIndex={0}
        aria-activedescendant={current}
        aria-label={`${tab} results`}
        aria-busy={store.deck.value.loading}
        style={{ gridTemplateColumns: `repeat(${view.columns.value}, minmax(0, 1fr))` }}
      >
        {/* biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names the current card */}
        <div role="row" class="va-row">
          {cards.map((card, index) => (
            <CardView
              key={card.clip}
              store={store}
              view={view}
              card={card}
              index={index}
              id={`${ids}-${index}`}
            />
          ))}
        </div>
        {cards.length === 0 && <Nothing store={store} />}
      </div>
      {view.help.value && <Help view={view} />}
    </div>
  );
}

function Asking({ view }: { view: View }) {
  const number = view.rest.length;
  return (
    <p class="va-asking" role="alertdialog" aria-label="Label the rest of the page">
      <span>
        Label the other <b>{number}</b> {number === 1 ? "clip" : "clips"} of this page <b>no</b>?
      </span>
      <button type="button" class="va-chip va-primary" onClick={() => view.enter()}>
        Yes, they are no ⏎
      </button>
      <button type="button" class="va-chip" onClick={() => view.skip()}>
        Next page without labels
      </button>
      <button type="button" class="va-chip" onClick={() => view.escape()}>
        Stay (Esc)
      </button>
    </p>
  );
}

function Nothing({ store }: { store: Store }) {
  const { tab } = store.place.value;
  if (!store.status.value) return null;
  if (store.deck.value.loading) return <p class="va-nothing">looking …</p>;
  if (tab === "search") return <p class="va-nothing">Type what the clips should show, and press Enter.</p>;
  if (tab === "feeds") return <p class="va-nothing">Every clip has a label: nothing is left to show.</p>;
  return <p class="va-nothing">No labels here yet. Search for examples, or open a feed.</p>;
}

function activeIn(element: Element): Element | null {
  return (element.getRootNode() as Document | ShadowRoot).activeElement;
}

function isTyping(element: Element): boolean {
  return element.matches("input, textarea, select");
}
