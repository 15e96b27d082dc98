// The saved queries: open one, give it another name, remove it; and save the one that is shown.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView } from "../../explorer/view";
import type { SavedQuery } from "../../kernel/explorerProtocol";
import { Icon } from "../icons";

const LONGEST_NAME = 200;

interface Props {
  readonly store: ExplorerStore;
  readonly view: ExplorerView;
  readonly focusGrid: () => void;
}

export function SavedMenu({ store, view, focusGrid }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const name = useSignal("");
  const renaming = useSignal("");
  const saved = store.state.catalogue.value?.saved ?? [];
  const { query, column, values } = store.state.viewState.value;
  const exists = saved.some((item) => item.name === name.value.trim());
  const open = (item: SavedQuery) => {
    view.panel.value = "";
    focusGrid();
    void store.hits.run({ query: item.text, column: item.column, values: item.values, by: "" });
  };
  return (
    <>
      <p class="va-menu-title va-saved-text" title={described({ text: query, column, values })}>
        Save <b>{described({ text: query, column, values })}</b> as
      </p>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          const chosen = name.value.trim();
          if (chosen && (await store.save(chosen))) name.value = "";
        }}
      >
        <input
          ref={input}
          type="text"
          class="va-input"
          maxLength={LONGEST_NAME}
          placeholder="a name"
          aria-label="Name of the query"
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="va-chip va-primary" aria-disabled={!name.value.trim()}>
          {exists ? "Replace" : "Save"}
        </button>
      </form>
      <ul>
        {saved.map((item) => (
          <li key={item.name} class="va-entry-row">
            {renaming.value === item.name ? (
              <input
                type="text"
                class="va-input"
                maxLength={LONGEST_NAME}
                aria-label={`New name of ${item.name}`}
                value={item.name}
                ref={(element) => element?.focus()}
                onFocus={(event) => event.currentTarget.select()}
                onBlur={() => {
                  renaming.value = "";
                }}
                onKeyDown={(event) => {
                  if (event.key !== "Enter") return;
                  event.preventDefault();
                  const to = event.currentTarget.value.trim();
                  input.current?.focus({ preventScroll: true }); // before this box is removed
                  if (to && to !== item.name) void store.rename(item.name, to);
                }}
              />
            ) : (
              <>
                <button type="button" class="va-entry" title={described(item)} onClick={() => open(item)}>
                  <span class="va-entry-name">{item.name}</span>
                  <span class="va-entry-text">{described(item)}</span>
                </button>
                <button
                  type="button"
                  class="va-quiet va-small"
                  aria-label={`Rename ${item.name}`}
                  title="Rename"
                  onClick={() => {
                    renaming.value = item.name;
                  }}
                >
                  <Icon name="edit" />
                </button>
                <button
                  type="button"
                  class="va-quiet va-small"
                  aria-label={`Remove ${item.name}`}
                  title="Remove"
                  onClick={() => {
                    input.current?.focus({ preventScroll: true }); // this button is removed
                    void store.remove(item);
                  }}
                >
                  <Icon name="close" />
                </button>
              </>
            )}
          </li>
        ))}
      </ul>
      {store.removed.value && (
        <p class="va-removed" role="status">
          Removed {store.removed.value.name}.{" "}
          <button type="button" class="va-chip" onClick={() => void store.restore()}>
            Undo
          </button>
        </p>
      )}
    </>
  );
}

// A query in one line.
function described({ text, column, values }: Pick<SavedQuery, "text" | "column" | "values">): string {
  return [text || "every clip", values.length > 0 ? `${column}: ${values.join(", ")}` : ""]
    .filter(Boolean)
    .join(" · ");
}
