// For which concept the clips of the query, or the selected ones, are labelled.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView } from "../../explorer/view";
import { LONGEST_CONCEPT } from "../../kernel/protocol";
import { Mark } from "../icons";

export function LabelMenu({ store, view }: { store: ExplorerStore; view: ExplorerView }) {
  const concept = useSignal("");
  const opening = useSignal(false);
  const selected = view.selected.value;
  const number = selected.length > 1 ? selected.length : (store.hits.count.value ?? 0);
  useEffect(() => void store.loadConcepts(), [store]);
  const open = async (name: string) => {
    if (opening.value || !name) return;
    opening.value = true;
    view.goesTo = "annotator";
    const opened = await store.label(name, selected.length > 1 ? selected : []);
    opening.value = false;
    if (opened) view.panel.value = "";
    else view.goesTo = "";
  };
  return (
    <>
      <p class="va-menu-title">
        {opening.value
          ? "Opening …"
          : `Label ${selected.length > 1 ? "the selected" : "these"} ${number} clips for …`}
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void open(concept.value.trim());
        }}
      >
        <input
          type="text"
          class="va-input"
          maxLength={LONGEST_CONCEPT}
          placeholder="a new concept"
          aria-label="Concept"
          value={concept.value}
          onInput={(event) => {
            concept.value = event.currentTarget.value;
          }}
        />
        <button
          type="submit"
          class="va-chip va-primary"
          aria-disabled={!concept.value.trim() || opening.value || number === 0}
        >
          Label
        </button>
      </form>
      <ul>
        {store.concepts.value.map(({ concept: name, yes, no }) => (
          <li key={name} class="va-entry-row">
            <button type="button" class="va-entry" title={name} onClick={() => void open(name)}>
              <span class="va-entry-name">{name}</span>
              <span class="va-count va-is-yes">
                <Mark value="yes" /> {yes}
              </span>
              <span class="va-count va-is-no">
                <Mark value="no" /> {no}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
