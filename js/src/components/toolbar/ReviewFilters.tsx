// Which labels the review lists, in which order, and whose.

import type { Store } from "../../annotator/store";
import { REVIEW_ORDERS, REVIEW_VALUES, type ReviewOrder } from "../../kernel/protocol";
import { Choice } from "../Choice";

const ORDERS: Readonly<Record<ReviewOrder, string>> = {
  suspicion: "most suspicious first",
  newest: "newest first",
  disagreement: "disagreement first",
};

export function ReviewFilters({ store, focusGrid }: { store: Store; focusGrid: () => void }) {
  const { review, order, annotator, tag } = store.state.viewState.value;
  const known = store.navigation.annotators.value;
  const annotators = known.includes(annotator) || !annotator ? known : [...known, annotator];
  const tags = store.navigation.tags.value;
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
      <Choice
        name="Order"
        options={REVIEW_ORDERS}
        names={ORDERS}
        value={order}
        choose={(chosen) => void store.navigation.openReview({ order: chosen })}
        focusGrid={focusGrid}
      />
      {(annotators.length > 1 || annotator) && (
        <Choice
          name="Whose labels"
          options={["", ...annotators]}
          names={{ "": "everybody" }}
          value={annotator}
          choose={(chosen) => void store.navigation.openReview({ annotator: chosen })}
          focusGrid={focusGrid}
        />
      )}
      {(tags.length > 0 || tag) && (
        <Choice
          name="Clips with a tag"
          title="Clips with a tag; those without a label come last"
          options={["", ...new Set(tag ? [tag, ...tags] : tags)]}
          names={{ "": "any tag" }}
          value={tag}
          choose={(chosen) => void store.navigation.openReview({ tag: chosen })}
          focusGrid={focusGrid}
        />
      )}
    </>
  );
}
