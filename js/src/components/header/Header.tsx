// The header: the concept and its guideline, counts, quality, advice, and whether everything is saved.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { shortcut } from "../../input/keys";
import { VALUES } from "../../kernel/protocol";
import { Icon, Mark } from "../icons";
import { ConceptMenu } from "./ConceptMenu";
import { FoundCount } from "./FoundCount";
import { GuidelineBox } from "./GuidelineBox";
import { Quality } from "./Quality";
import { BUSY, LOST, SavedState } from "./SavedState";

const WRITE_GUIDELINE = "Write down what counts";

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly focusGrid: () => void;
}

export function Header({ store, view, focusGrid }: Props) {
  const editing = useSignal(""); // the concept whose guideline is being written
  // Guidelines that could not be saved, by concept; shown again when they are edited.
  const drafts = useRef(new Map<string, string>());
  const status = store.state.status.value;
  if (!status) {
    const waiting = store.state.busy.value
      ? `${BUSY}: if it was restarted, run this cell again`
      : "connecting to the kernel …";
    return (
      <header class="va-header">{store.state.lost.value ? `${LOST}: run this cell again` : waiting}</header>
    );
  }
  const { keys, reads } = store.state.viewState.value;
  const { concept, guideline } = status;
  const isEditing = editing.value === concept;
  const keep = async (typed: string) => {
    if (editing.value === concept) editing.value = "";
    const text = typed.trim();
    drafts.current.delete(concept);
    if (text === guideline) return;
    const isOpen = store.state.concept === concept; // the kernel takes it for the concept that is open
    if (!isOpen || !(await store.concept.setGuideline(text))) drafts.current.set(concept, text);
  };
  return (
    <header class="va-header">
      <ConceptMenu store={store} view={view} focusGrid={focusGrid} />
      <button
        type="button"
        class="va-quiet va-small va-edit va-keeps-focus"
        aria-label="Edit the guideline"
        aria-expanded={isEditing}
        title={guideline || WRITE_GUIDELINE}
        onClick={() => {
          editing.value = isEditing ? "" : concept;
        }}
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
      <div class="va-below">
        {isEditing ? (
          <GuidelineBox
            key={concept}
            text={drafts.current.get(concept) ?? guideline}
            keep={(typed) => void keep(typed)}
            focusGrid={focusGrid}
          />
        ) : guideline ? (
          <button
            type="button"
            class="va-guideline-text va-guideline-fold"
            aria-expanded={reads}
            title={`${reads ? "Fold the guideline" : guideline} (${shortcut("guideline", keys)})`}
            onClick={() => store.state.updateViewState({ reads: !reads })}
          >
            {guideline}
            {reads && <span class="va-guideline-version"> · version {status.guideline_version}</span>}
          </button>
        ) : (
          <button
            type="button"
            class="va-guideline-text va-guideline-fold va-no-guideline va-keeps-focus"
            onClick={() => {
              editing.value = concept;
            }}
          >
            {WRITE_GUIDELINE} …
          </button>
        )}
        <p class="va-advice">{status.advice}</p>
      </div>
    </header>
  );
}
