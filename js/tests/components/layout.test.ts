import { describe, expect, it } from "vitest";
import { columnsIn, isBlurred, pageSize } from "../../src/components/cards/layout";

describe("cards", () => {
  it.each([
    [300, 264, 1],
    [1200, 264, 4],
    [1200, 120, 9],
    [100, 264, 1],
    [384, 264, 1],
    [464, 264, 2],
    [1008, 520, 2],
    [1200, 520, 2],
  ])("of %i px at size %i are in %i columns", (width, size, columns) => {
    expect(columnsIn(width, size)).toBe(columns);
  });

  it("show blurred frames only where they are much larger, whatever the frames' shape", () => {
    const stored = { width: 240, height: 135 };
    expect([120, 293, 330].filter((card) => isBlurred(card, stored))).toEqual([]);
    expect([340, 520].filter((card) => isBlurred(card, stored))).toEqual([340, 520]);
    expect(isBlurred(293, { width: 76, height: 135 })).toBe(false); // upright
    expect(isBlurred(293, { width: 128, height: 72 })).toBe(false); // not large
    expect(isBlurred(330, { width: 128, height: 72 })).toBe(true);
  });

  it("fill about a screen in full rows, unless the user has chosen a number", () => {
    expect(pageSize(1200, 4, 0) % 4).toBe(0);
    expect(pageSize(300, 1, 0)).toBeGreaterThanOrEqual(5);
    expect(pageSize(1008, 2, 0) % 2).toBe(0);
    expect(pageSize(3000, 24, 0)).toBeLessThanOrEqual(100);
    expect(pageSize(1200, 4, 48)).toBe(48);
  });
});
