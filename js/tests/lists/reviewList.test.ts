import { beforeEach, describe, expect, it } from "vitest";
import { settle } from "../goldenKernel";
import { ALL_CLIPS, openStore } from "../testStore";

beforeEach(() => sessionStorage.clear());

describe("review", () => {
  it("has all clips at once and loads cards in chunks, once each", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openReview({ order: "newest" });
    expect(store.lists.clips.value).toEqual(ALL_CLIPS);
    store.lists.review.load(0, 10);
    expect(kernel.lastRequest("reviewed")).toBeUndefined();
    const many = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
    store.lists.review.content.value = { ...store.lists.review.content.value, clips: many };
    store.lists.review.load(5_000, 5_030);
    store.lists.review.load(5_000, 5_030);
    await settle();
    expect(kernel.requests.filter(({ type }) => type === "reviewed")).toHaveLength(1);
    expect(store.lists.review.content.value.cards.has("c5029")).toBe(true);
    expect(store.lists.review.content.value.cards.has("c9000")).toBe(false);
  });
});
