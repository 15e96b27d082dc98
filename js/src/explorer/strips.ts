// The strip of a name over a video as paths of an SVG of 1000 by 100 units.

import type { TimelineShown, Track } from "../kernel/explorerProtocol";
import { positionOf } from "./timelineState";

const MARK = 14; // height of the mark of a label

interface Paths {
  readonly low: string; // scores below the threshold
  readonly high: string;
  readonly yes: string; // labels, told apart by their place, too: yes at the top, no at the bottom, unsure between them
  readonly no: string;
  readonly unsure: string;
}

export function stripPaths(shown: TimelineShown, track: Track): Paths {
  const paths: Record<keyof Paths, string[]> = { low: [], high: [], yes: [], no: [], unsure: [] };
  const tops = { yes: 0, no: 100 - MARK, unsure: 50 - MARK / 2 };
  // Numbers that are no probabilities, such as years, are shown between the lowest and the highest of them.
  const known = track.scores.filter((score) => score !== null);
  const [least, most] = [Math.min(0, ...known), Math.max(1, ...known)];
  shown.clips.forEach((clip, index) => {
    const left = 1000 * positionOf(shown, shown.starts[index] ?? 0);
    const width = Math.max(1, 1000 * positionOf(shown, shown.ends[index] ?? 0) - left);
    const bar = (top: number, height: number) =>
      `M${left.toFixed(1)} ${top.toFixed(1)}h${width.toFixed(1)}v${height.toFixed(1)}h-${width.toFixed(1)}z`;
    const score = track.scores[index] ?? null;
    if (score !== null) {
      const height = Math.max(2, (100 * (score - least)) / (most - least));
      paths[holds(track, index) ? "high" : "low"].push(bar(100 - height, height));
    }
    const label = track.labels[clip];
    if (label) paths[label].push(bar(tops[label], MARK));
  });
  const join = (parts: string[]) => parts.join("");
  return {
    low: join(paths.low),
    high: join(paths.high),
    yes: join(paths.yes),
    no: join(paths.no),
    unsure: join(paths.unsure),
  };
}

// Whether a name holds for the clip with an index: its score reaches the threshold.
export const holds = ({ scores, threshold }: Track, index: number): boolean =>
  (scores[index] ?? Number.NEGATIVE_INFINITY) >= (threshold ?? Number.POSITIVE_INFINITY);

// The first clip of the next stretch where a name holds, after the one that holds at `current`; begins anew after the
// last one. `current` where it holds nowhere else.
export function holdsNext(track: Track, current: number): number {
  const { length } = track.scores;
  for (let step = 1; step <= length; step++) {
    const index = (current + step) % length;
    const before = (index + length - 1) % length;
    if (holds(track, index) && (index === 0 || !holds(track, before))) return index;
  }
  return current;
}
