// The classifier's quality with its interval, and how it has changed over the refits.

import type { Point, Status } from "../../kernel/protocol";

const MOST_POINTS = 24;
const WIDTH = 60;
const HEIGHT = 16;

export function Quality({ status }: { status: Status }) {
  const { quality, quality_note, points } = status;
  if (!quality) return <span class="va-quality va-note">{quality_note && `quality – ${quality_note}`}</span>;
  return (
    <span
      class="va-quality"
      title="Estimated average precision over all clips of the corpus, with a 90 % interval"
    >
      quality <b>{quality.ap.toFixed(2)}</b>
      <span class="va-interval">
        ({quality.low.toFixed(2)}–{quality.high.toFixed(2)})
      </span>
      <Sparkline points={points} />
    </span>
  );
}

function Sparkline({ points }: { points: readonly Point[] }) {
  const known = points.filter((point) => point.ap !== null).slice(-MOST_POINTS);
  if (known.length < 3) return null; // two make no course
  const position = (point: Point, index: number) => {
    const x = (index / (known.length - 1)) * (WIDTH - 2) + 1;
    const y = HEIGHT - 1 - (point.ap ?? 0) * (HEIGHT - 2);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  return (
    <svg
      class="va-spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`quality over ${known.length} refits`}
    >
      <polyline points={known.map(position).join(" ")} fill="none" stroke="currentColor" stroke-width="1.5" />
    </svg>
  );
}
