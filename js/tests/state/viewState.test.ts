import { expect, it } from "vitest";
import { readViewState } from "../../src/state/viewState";

it("takes nothing from a place that makes no sense", () => {
  const odd = { tab: "<b>", size: 9, feed: 3, page: 4000, order: "best", keys: [1] };
  expect(readViewState(odd)).toEqual({
    tab: "search",
    feed: "",
    query: "",
    size: 264,
    page: 0,
    review: "all",
    order: "suspicion",
    annotator: "",
    keys: {},
  });
  expect(readViewState(null).tab).toBe("search");
});
