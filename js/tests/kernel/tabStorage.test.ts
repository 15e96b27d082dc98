import { beforeEach, describe, expect, it } from "vitest";
import { tabStorage } from "../../src/kernel/tabStorage";

const CHANGE = { type: "label", concept: "night", clips: ["a"], value: "yes", source: "s" } as const;

beforeEach(() => sessionStorage.clear());

describe("unsaved changes in the tab's storage", () => {
  it("of another annotator or corpus are not taken", () => {
    tabStorage("c1", "kelli", "r1").save([{ id: "1", change: CHANGE }]);
    expect(tabStorage("c2", "kelli", "r2").takeAll()).toEqual([]);
    expect(tabStorage("c1", "jo", "r2").takeAll()).toEqual([]);
    expect(tabStorage("c1", "kelli", "r2").takeAll()).toHaveLength(1);
  });

  it("are not read from malformed entries", () => {
    sessionStorage.setItem("va-widgets:c:k:1", "{");
    sessionStorage.setItem("va-widgets:c:k:2", '[{"id": 3}, null, {"id": "a", "change": {"concept": "x"}}]');
    expect(tabStorage("c", "k", "r").takeAll()).toEqual([]);
  });
});
