// Under the cards: what to do next, undo, and the way to the next page. The question whether the rest of the page is
// no appears in the same place, so that no card moves.

import { useLayoutEffect, useRef } from "preact/hooks";
import { bothClasses } from "../feeds";
import { type Command, keyOf, shown } from "../keys";
import type { Status } from "../protocol";
import type { Store } from "../store";
import type { View } from "../view";
import { Icon } from "./icons";

export function Foot({ store, view }: { store: Store; view: View }) {
  if (!store.status.value) return <div class="va-foot" />;
  if (view.asking.value) return <Asking store={store} view={view} />;
  const told = hint(store, view);
  return (
    <div class="va-foot">
      <Steps store={store} view={view} />
      <span class="va-hint" title={told}>
        {told}
      </span>
      <Paging store={store} view={view} />
    </div>
  );
}

function Asking({ store, view }: { store: Store; view: View }) {
  const bar = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => bar.current?.scrollIntoView({ block: "nearest" }), []);
  const number = view.rest.length;
  return (
    <div class="va-foot va-asking" ref={bar} role="alertdialog" aria-label="Label the rest of the page">
      <span>
        Are the other <b>{number}</b> of this page <b>no</b>?
      </span>
      <button type="button" class="va-chip va-primary" onClick={() => view.enter()}>
        Yes, label them no {shown(keyOf("rest", store.place.value.keys))}
      </button>
      <button type="button" class="va-chip" onClick={() => view.skip()}>
        Next page without labels
      </button>
      <button type="button" class="va-chip" onClick={() => view.escape()}>
        Stay Esc
      </button>
    </div>
  );
}

function Steps({ store, view }: { store: Store; view: View }) {
  const status = store.status.value;
  const button = (command: "undo" | "redo", title: string, possible: boolean) => (
    <button
      type="button"
      class="va-quiet va-small"
      aria-label={title}
      title={`${title} (${shown(keyOf(command, store.place.value.keys))})`}
      aria-disabled={!possible}
      onClick={() => void view.step(command)}
    >
      <Icon name={command} />
    </button>
  );
  return (
    <span class="va-steps">
      {button("undo", "Undo", status?.can_undo ?? false)}
      {button("redo", "Redo", status?.can_redo ?? false)}
    </span>
  );
}

function Paging({ store, view }: { store: Store; view: View }) {
  const pages = store.pages.value;
  const keys = store.place.value.keys;
  const key = (command: Command) => shown(keyOf(command, keys));
  if (!pages) {
    const { length } = store.clips.value;
    return <span class="va-page">{length === 1 ? "1 clip" : `${length} clips`}</span>;
  }
  const { index, ended, pages: seen } = pages.deck.value;
  return (
    <span class="va-paging">
      <button
        type="button"
        class="va-quiet va-small"
        aria-label="Previous page"
        title="Previous page"
        aria-disabled={index === 0}
        onClick={() => store.previous()}
      >
        <Icon name="back" />
      </button>
      <span class="va-page" title="The page you are on">
        page {index + 1}
      </span>
      <button
        type="button"
        class="va-chip va-next"
        title={`The clips without a label become no (${key("rest")})`}
        aria-disabled={ended && index + 1 >= seen.length}
        onClick={() => view.enter()}
      >
        next page {key("rest")}
      </button>
    </span>
  );
}

// Leads whoever has read nothing: search, label both kinds, go on in the feeds, look the labels over.
function hint(store: Store, view: View): string {
  const status = store.status.value as Status;
  const { keys, tab } = store.place.value;
  const key = (command: Command) => shown(keyOf(command, keys));
  if (store.lost.value)
    return "Run this cell again: the kernel does not know this widget any more. What you did is kept, and saved then.";
  if (store.busy.value && !store.waits.value)
    return "What you do is kept, and saved when the kernel answers. If it was restarted, run this cell again.";
  const chosen = view.selected.value.size;
  if (chosen > 1)
    return `${chosen} clips selected: ${key("yes")}, ${key("no")} or ${key("unsure")} labels all of them`;
  if (store.notice.value) return store.notice.value;
  if (!status.ready) return "";
  if (tab === "review")
    return "Change a label in place: press another button, or the same one to take it back.";
  if (status.counts.yes === 0) return `Label what you look for yes: the tick, or ${key("yes")}.`;
  if (status.counts.no === 0) return `Label what is not it no: the cross, ${key("no")}, or the rest at once.`;
  if (tab === "search" && bothClasses(status))
    return "Both kinds are there: go on in Feeds, where the classifier asks.";
  return "";
}
