// The first line of the explorer: the query, how many clips it finds, and what can be done with them.

import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView, Panel } from "../../explorer/view";
import { useCloseOutside } from "../popover";
import { Sizes } from "../toolbar/Sizes";
import { ExportMenu } from "./ExportMenu";
import { LabelMenu } from "./LabelMenu";
import { QueryBox } from "./QueryBox";
import { SavedMenu } from "./SavedMenu";

interface Props {
  readonly store: ExplorerStore;
  readonly view: ExplorerView;
  readonly focusGrid: () => void;
}

export function QueryBar({ store, view, focusGrid }: Props) {
  const { size, page } = store.state.viewState.value;
  return (
    <div class="va-toolbar va-query-bar">
      <QueryBox store={store} focusGrid={focusGrid} />
      <HitCount store={store} />
      <span class="va-actions">
        <Menu view={view} panel="saved" text="Saved">
          <SavedMenu store={store} view={view} focusGrid={focusGrid} />
        </Menu>
        <Menu view={view} panel="label" text="Label these …">
          <LabelMenu store={store} view={view} />
        </Menu>
        <Menu view={view} panel="export" text="Export">
          <ExportMenu store={store} view={view} />
        </Menu>
      </span>
      <span class="va-tools">
        <Sizes
          size={size}
          page={page}
          change={(sizes) => store.state.updateViewState(sizes)}
          focusGrid={focusGrid}
        />
        <button
          type="button"
          class="va-quiet va-small va-help-button"
          aria-label="Keys and help"
          aria-expanded={view.panel.value === "help"}
          title="Keys and help (?)"
          onClick={() => view.toggle("help")}
        >
          ?
        </button>
      </span>
    </div>
  );
}

function HitCount({ store }: { store: ExplorerStore }) {
  const clips = store.state.catalogue.value?.clips;
  const count = store.draft.count.value;
  if (clips === undefined) return <span class="va-hit-count" />;
  return (
    <span class="va-hit-count" title={`${count ?? "?"} of the ${clips} clips match`}>
      <b>{count?.toLocaleString("en") ?? "–"}</b> of {clips.toLocaleString("en")}
    </span>
  );
}

interface MenuProps {
  readonly view: ExplorerView;
  readonly panel: Panel;
  readonly text: string;
  readonly children: ComponentChildren;
}

function Menu({ view, panel, text, children }: MenuProps) {
  const place = useRef<HTMLSpanElement>(null);
  const isOpen = useComputed(() => view.panel.value === panel);
  useCloseOutside(place, isOpen.value, () => {
    view.panel.value = "";
  });
  return (
    <span class="va-action va-keeps-focus" ref={place}>
      <button
        type="button"
        class="va-chip"
        aria-haspopup="dialog"
        aria-expanded={isOpen.value}
        onClick={() => view.toggle(panel)}
      >
        {text}
      </button>
      {isOpen.value && children}
    </span>
  );
}
