// How many of the query's clips have which value of a column; the values that are chosen are the only ones to be shown.

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { ExplorerStore } from "../../explorer/store";

const CHIP = 150; // px of a usual value
const MORE = 64; // px of the button that shows all
const LEAST = 2;

export function Facets({ store, column }: { store: ExplorerStore; column: string }) {
  const place = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const all = useSignal(false); // whether all values are shown, in as many rows as they need
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const measure = () => {
      width.value = element.clientWidth;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [width]);

  const { values } = store.state.viewState.value;
  const facet = store.hits.facet.value;
  const counts = facet?.column === column ? facet.values : [];
  const others = facet?.column === column ? facet.others : 0;
  // What was chosen stays in sight where it is not among the most frequent values.
  const missing = values.filter((value) => !counts.some((item) => item.value === value));
  const fitting = Math.max(LEAST, Math.floor((width.value - MORE) / CHIP));
  const shown = counts.filter(({ value }, index) => all.value || index < fitting || values.includes(value));
  const hidden = counts.length - shown.length;
  const toggle = (value: string) => {
    const without = values.filter((item) => item !== value);
    void store.hits.run({ values: without.length < values.length ? without : [...values, value] });
  };
  return (
    <div class="va-facets" role="group" aria-label={`Values of ${column}`} ref={place}>
      {[...missing.map((value) => ({ value, clips: 0 })), ...shown].map(({ value, clips }) => (
        <button
          type="button"
          key={value}
          class="va-chip"
          aria-pressed={values.includes(value)}
          title={value}
          onClick={() => toggle(value)}
        >
          <span class="va-facet-value">{value || "(empty)"}</span> <span class="va-chip-count">{clips}</span>
        </button>
      ))}
      {(hidden > 0 || all.value) && (
        <button
          type="button"
          class="va-quiet va-small"
          aria-expanded={all.value}
          onClick={() => {
            all.value = !all.value;
          }}
        >
          {all.value ? "fewer" : `${hidden} more`}
        </button>
      )}
      {others > 0 && hidden === 0 && <span class="va-note">others {others}</span>}
    </div>
  );
}
