import { describe, expect, it } from "vitest";
import type { Status } from "../../src/kernel/protocol";
import { feedToShow } from "../../src/lists/feeds";
import { STATUS } from "../testStore";

describe("the feed to show", () => {
  const status = (yes: number, no: number, feeds = STATUS.feeds) =>
    ({ ...STATUS, feeds, counts: { yes, no, unsure: 0 } }) as unknown as Status;

  it("is the user's choice, or else depends on the labels so far", () => {
    expect(feedToShow("random", status(1, 1))).toBe("random");
    expect(feedToShow("", status(1, 1))).toBe("suggested");
    expect(feedToShow("", status(1, 0))).toBe("top_positive");
    expect(feedToShow("suggested", status(1, 1, ["borderline"]))).toBe("borderline");
    expect(feedToShow("", status(1, 1, ["sample", "suggested"]))).toBe("sample");
    expect(feedToShow("", status(1, 1, ["assigned", "suggested"]))).toBe("assigned");
  });
});
