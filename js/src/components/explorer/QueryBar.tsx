// The first line of the explorer: the query, how many clips it finds, and what can be done with them.

import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView, Panel } from "../../explorer/view";
import { Menu } from "../Menu";
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
        <Action view={view} panel="saved" text="Saved" label="Saved queries" menu="va-saved">
          <SavedMenu store={store} view={view} focusGrid={focusGrid} />
        </Action>
        <Action view={view} panel="label" text="Label these …" label="Label these clips">
          <LabelMenu store={store} view={view} />
        </Action>
        <Action view={view} panel="export" text="Export" label="Export the clips" menu="va-export">
          <ExportMenu store={store} view={view} />
        </Action>
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

interface ActionProps {
  readonly view: ExplorerView;
  readonly panel: Panel;
  readonly text: string;
  readonly label: string;
  readonly menu?: string;
  readonly children: ComponentChildren;
}

function Action({ view, panel, ...props }: ActionProps) {
  const isOpen = useComputed(() => view.panel.value === panel);
  return (
    <Menu
      {...props}
      place="va-action"
      isOpen={isOpen.value}
      set={(opens) => {
        view.panel.value = opens ? panel : "";
      }}
    />
  );
}
