// Which labels the review lists, in which order, and whose.

import type { Store } from "../../annotator/store";
import { REVIEW_ORDERS, REVIEW_VALUES, type ReviewOrder } from "../../kernel/protocol";

const ORDERS: Readonly<Record<ReviewOrder, string>> = {
  suspicion: "most suspicious first",
  newest: "newest first",
  disagreement: "disagreement first",
};

export function ReviewFilters({ store, focusGrid }: { store: Store; focusGrid: () => void }) {
  const { review, order, annotator } = store.state.viewState.value;
  const known = store.navigation.annotators.value;
  const annotators = known.includes(annotator) || !annotator ? known : [...known, annotator];
  return (
    <>
      <div class="va-feeds" role="group" aria-label="Which labels">
        {REVIEW_VALUES.map((value) => (
          <button
            type="button"
            key={value}
            class="va-chip"
            aria-pressed={review === value}
            data-filter={value}
            onClick={() => void store.navigation.openReview({ review: value })}
          >
            {value}
          </button>
        ))}
      </div>
      <select
        class="va-select"
        aria-label="Order"
        value={order}
        onChange={(event) => {
          const chosen = REVIEW_ORDERS.find((name) => name === event.currentTarget.value);
          if (chosen) void store.navigation.openReview({ order: chosen });
          focusGrid();
        }}
      >
        {REVIEW_ORDERS.map((name) => (
          <option key={name} value={name}>
            {ORDERS[name]}
          </option>
        ))}
      </select>
      {(annotators.length > 1 || annotator) && (
        <select
          class="va-select va-annotator"
          aria-label="Whose labels"
          title="Whose labels"
          value={annotator}
          onChange={(event) => {
            void store.navigation.openReview({ annotator: event.currentTarget.value });
            focusGrid();
          }}
        >
          <option value="">everybody</option>
          {annotators.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
    </>
  );
}
