import { describe, expect, it } from "vitest";
import { joinReasons, sharedParts, withoutParts } from "../../src/lists/reasons";

describe("the reasons of a page", () => {
  it("share what each of them has", () => {
    const reasons = ["near a yes · teaches most", "teaches most", "near a no · teaches most"];
    expect(sharedParts(reasons)).toEqual(["teaches most"]);
    expect(sharedParts(["likely yes", "undecided"])).toEqual([]);
  });

  it("are said in full on a single card", () => {
    expect(sharedParts(["matches the words"])).toEqual([]);
    expect(sharedParts([])).toEqual([]);
  });

  it("are shown without what is shared", () => {
    expect(withoutParts("near a yes · teaches most", ["teaches most"])).toBe("near a yes");
    expect(withoutParts("teaches most", ["teaches most"])).toBe("");
    expect(joinReasons("", "undecided")).toBe("undecided");
  });
});
