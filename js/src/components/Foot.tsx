// The bar below the cards: undo, a hint, and paging. The question whether the rest of the page is no replaces it, so
// that no card moves.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Store } from "../annotator/store";
import type { View } from "../annotator/view";
import { type Command, shortcut } from "../input/keys";
import type { Status } from "../kernel/protocol";
import { hasBothClasses } from "../lists/feeds";
import { counted } from "../words";
import { Icon } from "./icons";
import { Key } from "./Key";
import { PreviousPage } from "./PreviousPage";

export function Foot({ store, view }: { store: Store; view: View }) {
  const status = store.state.status.value;
  if (!status) return <div class="va-foot" />;
  if (view.confirmingRest.value) return <RestQuestion store={store} view={view} />;
  const hint = hintFor(store, view, status);
  const { length } = view.rest.value;
  return (
    <div class="va-foot">
      <UndoButtons store={store} view={view} status={status} />
      <span class="va-hint" title={hint}>
        {hint}
      </span>
      {length > 0 && (
        <button
          type="button"
          class="va-chip va-rest"
          title="Label every clip of this page that has no label no; undo takes it back"
          onClick={() => view.labelRest()}
        >
          rest is no ({length}) <Key name={shortcut("rest", store.state.viewState.value.keys)} />
        </button>
      )}
      <Paging store={store} view={view} />
    </div>
  );
}

function RestQuestion({ store, view }: { store: Store; view: View }) {
  const bar = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => bar.current?.scrollIntoView({ block: "nearest" }), []);
  const { length } = view.rest.value;
  return (
    <div class="va-foot va-asking" ref={bar} role="alertdialog" aria-label="Label the rest of the page">
      <span>
        Here most clips are likely yes. Are the other <b>{length}</b> of this page <b>no</b>?
      </span>
      <button type="button" class="va-chip va-primary" onClick={() => view.labelRest()}>
        Label {length} no <Key name={shortcut("rest", store.state.viewState.value.keys)} />
      </button>
      <button type="button" class="va-chip" onClick={() => view.escape()}>
        Cancel <Key name="Esc" />
      </button>
    </div>
  );
}

function UndoButtons({ store, view, status }: { store: Store; view: View; status: Status }) {
  const button = (command: "undo" | "redo", title: string, enabled: boolean) => (
    <button
      type="button"
      class="va-quiet va-small"
      aria-label={title}
      title={`${title} (${shortcut(command, store.state.viewState.value.keys)})`}
      aria-disabled={!enabled}
      onClick={() => void view.step(command)}
    >
      <Icon name={command} />
    </button>
  );
  return (
    <span class="va-steps">
      {button("undo", "Undo", status.can_undo)}
      {button("redo", "Redo", status.can_redo)}
    </span>
  );
}

function Paging({ store, view }: { store: Store; view: View }) {
  const list = store.lists.openList.value;
  const { keys } = store.state.viewState.value;
  const key = shortcut("next", keys);
  const done = view.pageDone.value;
  if (!list) {
    const { length } = store.lists.clips.value;
    return <span class="va-page">{counted(length, "clip")}</span>;
  }
  const { index, pages } = list.progress.value;
  const isLast = list.isLast.value;
  return (
    <span class="va-paging">
      <PreviousPage index={index} onClick={() => store.lists.previous()} />
      <span class="va-page" title="The page you are on">
        page {index + 1}
      </span>
      <button
        type="button"
        class={done && !isLast ? "va-chip va-next va-done" : "va-chip va-next"}
        title={isLast ? "There is no further page" : `Open the next page; this labels nothing (${key})`}
        aria-disabled={pages.length === 0 || isLast}
        onClick={() => view.nextPage()}
      >
        {isLast ? "last page" : done ? "page done" : "next page"} <Key name={key} />
      </button>
    </span>
  );
}

// What to do next, for users who have read no manual: search, label both classes, go on in the feeds, review.
function hintFor(store: Store, view: View, status: Status): string {
  const { keys, tab } = store.state.viewState.value;
  const key = (command: Command) => shortcut(command, keys);
  if (store.state.lost.value)
    return "Run this cell again: the kernel does not know this widget any more. What you did is kept, and saved then.";
  if (store.state.busy.value && !store.connection.waitsForTextModel.value)
    return "What you do is kept, and saved when the kernel answers. If it was restarted, run this cell again.";
  const rest = view.rest.value.length;
  if (view.leavingRest.value)
    return `${rest} without a label: ${key("rest")} labels them no, ${key("next")} once more leaves them`;
  const selected = view.cards.selected.value.size;
  if (selected > 1)
    return `${selected} clips selected: ${key("yes")}, ${key("no")} or ${key("unsure")} labels all of them`;
  if (store.state.notice.value) return store.state.notice.value;
  if (view.cards.past.value && rest > 0) return `Last clip of the page; ${rest} are without a label`;
  if (view.cards.past.value && tab === "review") return "Last clip of the list";
  if (!status.ready || store.lists.clips.value.length === 0) return "";
  if (tab === "review")
    return "Change a label in place: press another button, or the same one to take it back.";
  if (view.pageDone.value && store.lists.openList.value?.isLast.value)
    return `That was the last page. Go on ${tab === "search" ? "with other words, or in Feeds" : "in another feed, or in Review"}.`;
  if (status.counts.yes === 0) return `Say yes to what you look for: the tick, or ${key("yes")}.`;
  if (status.counts.no === 0 && rest > 0)
    return `Say no to the others: the cross, ${key("no")}, or ${key("rest")} for the rest of the page.`;
  if (tab === "search" && hasBothClasses(status))
    return "You have said both yes and no: go on in Feeds, where the classifier chooses what to ask.";
  return "";
}
