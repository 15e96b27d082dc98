import { expect, it } from "vitest";
import { timeRange } from "../../src/lists/time";

it("a time range is shown by the clock, and is empty for a clip without times", () => {
  expect(timeRange({ start: 12.9, end: 75 })).toBe("00:12–01:15");
  expect(timeRange({ start: 3599, end: 3600 }, " to ")).toBe("59:59 to 1:00:00");
  expect(timeRange({ start: null, end: null })).toBe("");
});
