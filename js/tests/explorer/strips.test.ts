import { describe, expect, it } from "vitest";
import explorerReplies from "../../../tests/protocol_cases/explorer_replies.json";
import { barsPath } from "../../src/explorer/bars";
import { holds, holdsNext, stripPaths, thresholdPlace } from "../../src/explorer/strips";
import { clipAt, positionOf } from "../../src/explorer/timelineState";
import type { TimelineShown, Track } from "../../src/kernel/explorerProtocol";

const golden = explorerReplies.find(({ type }) => type === "timeline")?.result as unknown as TimelineShown;
const track: Track = {
  name: "night",
  concept: "night",
  threshold: 0.5,
  scores: [0.9, 0.8, 0.1, null, 0.5, 0.7, 0.2],
  labels: {},
};

describe("a strip", () => {
  it("goes to the next stretch that holds, and begins anew after the last one", () => {
    expect([0, 1, 2, 3, 4, 5, 6].map((index) => holdsNext(track, index))).toEqual([4, 4, 4, 4, 0, 0, 0]);
    expect(holdsNext({ ...track, threshold: 0.95 }, 3)).toBe(3);
    expect(holds({ ...track, threshold: null }, 0)).toBe(false);
  });

  it("has the clips at their times, and the labels in their own lane", () => {
    const [night] = golden.tracks;
    if (!night) throw new Error("the golden timeline has a track");
    const { low, high, yes, no } = stripPaths(golden, night);
    expect(low).toMatch(/^M0\.0 /);
    expect(high).toMatch(/^M555\.6 .*h444\.4/);
    expect(yes).toMatch(/^M555\.6 74\.0/);
    expect(no).toBe("");
  });

  it("shows numbers that are no probabilities between their lowest and highest", () => {
    const years: Track = { ...track, threshold: 1995, scores: [1990, 2000] };
    expect(thresholdPlace(years)).toBe(34);
    expect(thresholdPlace({ ...years, threshold: 1980 })).toBe(null);
    expect(thresholdPlace({ ...years, scores: [] })).toBe(null);
  });

  it("finds the clip at a time, also between clips and outside of them", () => {
    expect([-1, 0, 2.9, 3, 5, 99].map((time) => clipAt(golden, time))).toEqual([0, 0, 0, 1, 1, 1]);
    expect(positionOf(golden, 2.7)).toBeCloseTo(0.5);
    expect(positionOf({ ...golden, starts: [], ends: [] }, 1)).toBe(0);
  });
});

it("bars leave out what is empty, and show few clips beside many", () => {
  expect(barsPath([100, 0, 1], 100)).toBe("M0 100v-100.0h1V100zM2 100v-10.0h1V100z");
});
