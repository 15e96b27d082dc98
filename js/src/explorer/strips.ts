// The strip of a name over a video as paths of an SVG of 1000 by 100 units.

import type { TimelineShown, Track } from "../kernel/explorerProtocol";
import type { Value } from "../kernel/protocol";
import { positionOf } from "./timelineState";

const LANE = 74; // where the lane of the labels begins, below the scores
// Top of a label's mark in the lane and its height: told apart by these, too.
const MARKS: Readonly<Record<Value, readonly [top: number, height: number]>> = {
  yes: [LANE, 100 - LANE],
  unsure: [LANE + 8, 10],
  no: [92, 8],
};
const SCORES = LANE - 6; // height of a score of 1

interface Paths {
  readonly low: string; // scores below the threshold
  readonly high: string;
  readonly yes: string; // labels
  readonly no: string;
  readonly unsure: string;
}

export function stripPaths(shown: TimelineShown, track: Track): Paths {
  const paths: Record<keyof Paths, string[]> = { low: [], high: [], yes: [], no: [], unsure: [] };
  const [least, most] = rangeOf(track);
  shown.clips.forEach((clip, index) => {
    const left = 1000 * positionOf(shown, shown.starts[index] ?? 0);
    const width = Math.max(1, 1000 * positionOf(shown, shown.ends[index] ?? 0) - left);
    const bar = (top: number, height: number) =>
      `M${left.toFixed(1)} ${top.toFixed(1)}h${width.toFixed(1)}v${height.toFixed(1)}h-${width.toFixed(1)}z`;
    const score = track.scores[index] ?? null;
    if (score !== null) {
      const height = Math.max(2, heightOf(score, least, most));
      paths[holds(track, index) ? "high" : "low"].push(bar(SCORES - height, height));
    }
    const label = track.labels[clip];
    if (label) paths[label].push(bar(...MARKS[label]));
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

// From the lowest to the highest score: 0 to 1, except for numbers that are no probabilities, such as years.
function rangeOf({ scores }: Track): readonly [number, number] {
  const known = scores.filter((score) => score !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return least >= 0 && most <= 1 ? [0, 1] : [least, most];
}

const heightOf = (score: number, least: number, most: number): number =>
  (SCORES * (score - least)) / (most - least || 1);

// Where the threshold of a name is in its strip; null where it has none, or is out of sight.
export function thresholdPlace(track: Track): number | null {
  const [least, most] = rangeOf(track);
  const { threshold } = track;
  if (threshold === null || threshold < least || threshold > most) return null;
  return SCORES - heightOf(threshold, least, most);
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
