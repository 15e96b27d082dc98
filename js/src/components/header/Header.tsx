// The header: the concept and its guideline, counts, quality, advice, and whether everything is saved.

import { useSignal } from "@preact/signals";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { VALUES } from "../../kernel/protocol";
import { Icon, Mark } from "../icons";
import { toggle } from "../toggle";
import { ConceptMenu } from "./ConceptMenu";
import { FoundCount } from "./FoundCount";
import { Quality } from "./Quality";
import { BUSY, LOST, SavedState } from "./SavedState";

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly focusGrid: () => void;
}

export function Header({ store, view, focusGrid }: Props) {
  const editing = useSignal(false);
  const draft = useSignal<string | null>(null); // a guideline that could not be saved
  const status = store.state.status.value;
  if (!status) {
    const waiting = store.state.busy.value
      ? `${BUSY}: if it was restarted, run this cell again`
      : "connecting to the kernel …";
    return (
      <header class="va-header">{store.state.lost.value ? `${LOST}: run this cell again` : waiting}</header>
    );
  }
  const save = async (typed: string) => {
    const text = typed.trim();
    editing.value = false;
    draft.value = null;
    // If it cannot be saved, the text area shows it again when it is opened.
    if (text !== status.guideline && !(await store.concept.setGuideline(text))) draft.value = text;
  };
  return (
    <header class="va-header">
      <ConceptMenu store={store} view={view} focusGrid={focusGrid} />
      <button
        type="button"
        class="va-quiet va-small va-edit va-keeps-focus"
        aria-label="Edit the guideline"
        aria-expanded={editing.value}
        title={status.guideline || "Write down what counts"}
        onClick={() => toggle(editing)}
      >
        <Icon name="edit" />
      </button>
      <span class="va-counts">
        {VALUES.map((value) => (
          <span key={value} class={`va-count va-is-${value}`} data-value={value}>
            <Mark value={value} /> <b>{status.counts[value]}</b> {value}
          </span>
        ))}
      </span>
      <Quality status={status} />
      {status.found && <FoundCount found={status.found} />}
      <span class="va-who">
        <span class="va-annotator-name" title={`What you label is saved as ${status.annotator}’s`}>
          {status.annotator}
        </span>
        <SavedState store={store} status={status} />
      </span>
      <p class="va-advice">{status.advice}</p>
      {editing.value && (
        <textarea
          class="va-guideline"
          rows={2}
          maxLength={2000}
          placeholder="What counts, and what does not? Everybody who labels this concept sees it."
          value={draft.value ?? status.guideline}
          aria-label="Guideline"
          ref={(element) => element?.focus()}
          onBlur={(event) => void save(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey) {
              event.preventDefault();
              void save(event.currentTarget.value);
              focusGrid(); // before the text area disappears, and the focus with it
            }
          }}
        />
      )}
      {store.outbox.saveError.value && (
        <p class="va-words" role="alert">
          <b>What you label waits on this page until it can be saved.</b> {store.outbox.saveError.value}
        </p>
      )}
      {store.state.textSearchUnavailable.value && (
        <p class="va-words" role="status">
          <b>Words cannot be searched now.</b> {status.words_note}
        </p>
      )}
      {status.concept_note && (
        <p class="va-guideline-text va-concept-note" title={status.concept_note}>
          {status.concept_note}
        </p>
      )}
      {!editing.value && status.guideline && (
        <p class="va-guideline-text" title={status.guideline}>
          {status.guideline}
        </p>
      )}
    </header>
  );
}
