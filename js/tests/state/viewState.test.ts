import { expect, it } from "vitest";
import { readViewState } from "../../src/state/viewState";

it("a saved view state that makes no sense is replaced by defaults", () => {
  const malformed = { tab: "<b>", size: 9, feed: 3, page: 4000, turns: "no", order: "best", keys: [1] };
  expect(readViewState(malformed)).toEqual({
    tab: "search",
    feed: "",
    query: "",
    labelled: false,
    motion: "all",
    number: "",
    lowest: false,
    likeness: "look",
    size: 264,
    page: 0,
    turns: false,
    review: "all",
    order: "suspicion",
    annotator: "",
    tag: "",
    reads: false,
    keys: {},
    widget: "",
  });
  expect(readViewState(null).tab).toBe("search");
});
