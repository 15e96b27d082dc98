// The names of the query: how all clips and those of the query are spread over each one's values, and its threshold,
// which can be dragged.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { barsPath } from "../../explorer/bars";
import type { ExplorerStore } from "../../explorer/store";
import type { Histogram } from "../../kernel/explorerProtocol";
import { numberText } from "../score";

const WIDTH = 190; // px of a histogram, where there is room
const MOST_IN_ROW = 4;
const STEPS = 100; // of a threshold, from the lowest to the highest value

export function Names({ store }: { store: ExplorerStore }) {
  const histograms = store.hits.histograms.value;
  if (histograms.length === 0) return null;
  return (
    <div
      class="va-names"
      role="group"
      aria-label="Names of the query"
      style={{ flexBasis: `${WIDTH * Math.min(histograms.length, MOST_IN_ROW)}px` }}
    >
      {histograms.map((histogram) => (
        <NameHistogram key={histogram.name} store={store} histogram={histogram} />
      ))}
    </div>
  );
}

function NameHistogram({ store, histogram }: { store: ExplorerStore; histogram: Histogram }) {
  const { name, low, high, threshold, above, bins, hits } = histogram;
  const dragged = useSignal<number | null>(null); // where the threshold is dragged to
  const known = useRef(threshold);
  if (known.current !== threshold) {
    known.current = threshold;
    dragged.value = null; // the kernel has a newer one
  }
  const value = dragged.value ?? threshold;
  const share = value === null ? null : (value - low) / (high - low || 1);
  const most = Math.max(1, ...bins);
  const sign = above ? ">" : "<";
  const text = value === null ? "any" : `${sign} ${numberText(value)}`;
  return (
    <div class="va-name" title={`${name}: drag to change from which value on a clip counts`}>
      <span class="va-name-line">
        <span class="va-name-text">{name}</span>
        <span class="va-name-threshold">{text}</span>
      </span>
      <span class="va-histogram">
        <svg viewBox={`0 0 ${bins.length} 100`} preserveAspectRatio="none" aria-hidden="true">
          <path class="va-bars" d={barsPath(bins, most)} />
          <path class="va-bars-hits" d={barsPath(hits, most)} />
        </svg>
        {share !== null && (
          <span class="va-threshold" style={{ left: `${100 * Math.max(0, Math.min(1, share))}%` }} />
        )}
        <input
          type="range"
          class={`va-drag${value === null ? " va-undecided" : ""}`}
          aria-label={`Threshold of ${name}`}
          aria-valuetext={text}
          min={low}
          max={high}
          step={(high - low) / STEPS || 1}
          value={value ?? (low + high) / 2}
          onInput={(event) => {
            dragged.value = Number(event.currentTarget.value);
            store.dragThreshold(name, dragged.value);
          }}
          onChange={(event) => void store.dropThreshold(name, Number(event.currentTarget.value))}
        />
      </span>
    </div>
  );
}
