// Whether everything is saved, and if not, what is wrong.

import type { Store } from "../../annotator/store";
import type { Status } from "../../kernel/protocol";

export const BUSY = "kernel busy";
export const LOST = "kernel lost";

export function SavedState({ store, status }: { store: Store; status: Status }) {
  const [kind, text] = stateOf(store, status);
  return (
    <span
      class={`va-state va-state-${kind}`}
      title={kind === "loading" ? status.words_note : text}
      data-state={kind}
      data-pending={status.pending}
      data-version={status.version}
    >
      <span class="va-dot" aria-hidden="true" />
      <span class="va-state-text">{text}</span>
    </span>
  );
}

function stateOf(store: Store, status: Status): [kind: string, text: string] {
  const unsaved = store.labels.unsavedCount.value;
  const waiting = unsaved > 0 ? ` · ${unsaved} not saved yet` : "";
  if (store.state.lost.value) return ["lost", `${LOST}${waiting}`];
  if (store.state.busy.value && !store.connection.waitsForTextModel.value)
    return ["busy", `${BUSY}${waiting}`];
  if (unsaved > 0 && store.outbox.saveError.value) return ["error", `${unsaved} not saved yet`];
  if (status.state === "error") return ["error", status.message];
  if (unsaved > 0) return ["saving", "saving"];
  if (status.words === "loading") return ["loading", "loading"];
  return status.state === "refitting" ? ["refitting", "refitting"] : ["saved", "saved"];
}
