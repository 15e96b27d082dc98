// The concept, how far it has got, and whether everything is saved.

import { useSignal } from "@preact/signals";
import type { Point, Status, Value } from "../protocol";
import type { Store } from "../store";
import type { View } from "../view";
import { ConceptMenu } from "./ConceptMenu";
import { Icon, Mark } from "./icons";

const VALUES: readonly Value[] = ["yes", "no", "unsure"];

export function Header({ store, view, home }: { store: Store; view: View; home: () => void }) {
  const editing = useSignal(false);
  const draft = useSignal<string | null>(null);
  const status = store.status.value;
  if (!status) {
    const slow = store.busy.value
      ? `${BUSY}: if it was restarted, run this cell again`
      : "connecting to the kernel …";
    return <header class="va-header">{store.lost.value ? `${LOST}: run this cell again` : slow}</header>;
  }
  const save = async (typed: string) => {
    const text = typed.trim();
    editing.value = false;
    draft.value = null;
    // What could not be saved is not lost: it is still there when the box is opened again.
    if (text !== status.guideline && !(await store.guideline(text))) draft.value = text;
  };
  return (
    <header class="va-header">
      <ConceptMenu store={store} view={view} home={home} />
      <button
        type="button"
        class="va-quiet va-small va-keeps-focus"
        aria-label="Edit the guideline"
        aria-expanded={editing.value}
        title={status.guideline || "Write down what counts"}
        onClick={() => {
          editing.value = !editing.value;
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
      <QualityShown status={status} />
      <span
        class="va-diversity"
        title="How evenly the labels cover the corpus: 10 clusters, 10 yes and 10 no in each"
      >
        diversity <b>{status.diversity.toFixed(2)}</b>
      </span>
      <span class="va-version" title="The number of the classifier: it grows with every refit">
        v{status.version}
      </span>
      <span class="va-advice" title={status.advice}>
        {status.advice}
      </span>
      <State store={store} status={status} />
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
              home(); // before the box is gone, and the keyboard with it
            }
          }}
        />
      )}
      {store.outbox.unsavable.value && (
        <p class="va-words" role="alert">
          <b>What you label waits on this page until it can be saved.</b> {store.outbox.unsavable.value}
        </p>
      )}
      {store.wordless.value && (
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

function QualityShown({ status }: { status: Status }) {
  const { quality, quality_note, points } = status;
  if (!quality) return <span class="va-quality va-note">{quality_note}</span>;
  return (
    <span class="va-quality" title="Cross-validated average precision, with a 90 % interval">
      quality <b>{quality.ap.toFixed(2)}</b>
      <span class="va-interval">
        ({quality.low.toFixed(2)}–{quality.high.toFixed(2)})
      </span>
      <Sparkline points={points} />
    </span>
  );
}

function Sparkline({ points }: { points: readonly Point[] }) {
  const known = points.filter((point) => point.ap !== null).slice(-24);
  if (known.length < 2) return null;
  const place = (point: Point, index: number) =>
    `${((index / (known.length - 1)) * 58 + 1).toFixed(1)},${(15 - (point.ap ?? 0) * 14).toFixed(1)}`;
  return (
    <svg class="va-spark" viewBox="0 0 60 16" role="img" aria-label={`quality over ${known.length} refits`}>
      <polyline points={known.map(place).join(" ")} fill="none" stroke="currentColor" stroke-width="1.5" />
    </svg>
  );
}

const BUSY = "kernel busy";
const LOST = "kernel lost";

function stateOf(store: Store, status: Status): [kind: string, text: string] {
  const unsaved = store.saving.value;
  const waiting = unsaved > 0 ? ` · ${unsaved} not saved yet` : "";
  if (store.lost.value) return ["lost", `${LOST}${waiting}`];
  if (store.busy.value && !store.waits.value) return ["busy", `${BUSY}${waiting}`];
  const { unsavable } = store.outbox;
  if (unsaved > 0 && unsavable.value) return ["error", `${unsaved} not saved yet`];
  if (status.state === "error") return ["error", status.message];
  if (unsaved > 0) return ["saving", "saving"];
  if (status.words === "loading") return ["loading", "loading"];
  return status.state === "refitting" ? ["refitting", "refitting"] : ["saved", "saved"];
}

function State({ store, status }: { store: Store; status: Status }) {
  const [kind, text] = stateOf(store, status);
  return (
    <span
      class={`va-state va-state-${kind}`}
      title={kind === "loading" ? status.words_note : text}
      data-state={kind}
      data-pending={status.pending}
    >
      <span class="va-dot" aria-hidden="true" />
      <span class="va-state-text">{text}</span>
    </span>
  );
}
