// How many clips are found, and of about how many.

import type { Found } from "../../kernel/protocol";
import { shortScore } from "../score";

export function FoundCount({ found }: { found: Found }) {
  const { clips, threshold, estimate, low, high, method } = found;
  const interval = low === null || high === null ? "" : `(${low}–${high})`;
  return (
    <span
      class="va-found"
      title={`${clips} clips are labelled yes, or score ${shortScore(threshold)} or more. How many there are is estimated ${method}.`}
    >
      found <b>{clips}</b> · in all about <b>{estimate}</b>
      <span class="va-interval">{interval}</span>
    </span>
  );
}
