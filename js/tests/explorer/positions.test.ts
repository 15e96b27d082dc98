import { describe, expect, it } from "vitest";
import {
  aroundFault,
  charactersBefore,
  endOfWord,
  isBlankBetween,
  replaced,
  unitOf,
} from "../../src/explorer/positions";

describe("positions in a query", () => {
  it("count characters for the kernel and units for the page", () => {
    const text = '"🌙 night" and r';
    expect(charactersBefore(text, text.length)).toBe(15);
    expect(unitOf(text, 15)).toBe(text.length);
    expect(replaced(text, 14, 15, "rain")).toEqual({ text: '"🌙 night" and rain', cursor: text.length + 3 });
  });

  it.each([
    ["night and rain", 10, 14],
    ['genre == "film noir" or x', 9, 20],
    ["a > = b", 4, 5],
    ["ein_höherer.Name > 1", 0, 16],
    ["night and ", 10, 10],
  ])("%s: the word at %i ends at %i", (text, start, end) => {
    expect(endOfWord(text, start)).toBe(end);
  });

  it("show what is around a fault, however long the query is", () => {
    expect(aroundFault("night and ranny > 1", 10, 5)).toEqual({
      before: "… and ",
      wrong: "ranny",
      after: " > 1",
    });
    expect(aroundFault("night and", 9, 20)).toEqual({ before: "night and", wrong: " ", after: "" });
    expect(isBlankBetween("night and  ", 9, 11)).toBe(true);
    expect(isBlankBetween("nihgt and r", 0, 10)).toBe(false);
  });
});
