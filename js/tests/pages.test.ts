import { describe, expect, it } from "vitest";
import { type Found, Pages } from "../src/pages";
import type { Card } from "../src/protocol";
import { settle } from "./kernel";
import { opened, shown } from "./shop";

describe("pages", () => {
  it("go on without repeating, and back to what was seen", async () => {
    const { store } = await opened();
    await store.openFeed("random");
    await store.next();
    expect(shown(store)).toBe("efgh");
    store.previous();
    expect(shown(store)).toBe("abcd");
    await store.next();
    expect(shown(store)).toBe("efgh");
  });

  it("are fetched ahead, with their pictures", async () => {
    const { kernel, store } = await opened();
    await store.openFeed("random");
    await settle();
    expect(store.feeds.deck.value.ahead?.cards.map((card) => card.clip).join("")).toBe("efgh");
    await new Promise((resolve) => setTimeout(resolve, 20)); // pictures are asked for together, a moment later
    const pictures = kernel.asked.filter(({ type }) => type === "filmstrips").flatMap(({ clips }) => clips);
    expect(pictures).toContain("h");
    kernel.hold = true; // nothing has to be asked for now
    await store.next();
    expect(shown(store)).toBe("efgh");
  });

  it("never change under the eyes: a refit only offers new clips", async () => {
    const { kernel, store } = await opened();
    await store.openFeed("random");
    await settle();
    expect(store.feeds.fresh.value).toBe(0);
    kernel.refitted(4);
    await settle();
    expect(shown(store)).toBe("abcd");
    expect(store.feeds.fresh.value).toBe(4);
    expect(kernel.last("feed")).toMatchObject({ exclude: ["a", "b", "c", "d"] });
    await store.next();
    expect(shown(store)).toBe("efgh");
    expect(store.feeds.fresh.value).toBe(0);
  });

  it("asked for while the classifier refits are those of the classifier that answers", async () => {
    const { kernel, store } = await opened();
    await store.openFeed("random");
    await settle();
    kernel.hold = true;
    kernel.refitted(4);
    const next = store.next();
    kernel.refitted(5);
    kernel.release();
    await next;
    await settle();
    expect(store.page.value?.version).toBe(5);
    expect(shown(store)).toBe("efgh");
  });

  it("of an earlier wish are dropped when they come late", async () => {
    const { kernel, store } = await opened();
    kernel.hold = true;
    const slow = store.openFeed("random");
    const fast = store.openFeed("borderline");
    kernel.held.reverse();
    kernel.release();
    await Promise.all([slow, fast]);
    expect(store.page.value?.source).toBe("borderline");
    expect(store.feeds.deck.value.pages).toHaveLength(1);
  });

  it("end where the list ends", async () => {
    const { store } = await opened(undefined, 12);
    await store.openFeed("random");
    await store.next();
    expect(shown(store)).toBe("mnopqrst");
    await store.next();
    expect(shown(store)).toBe("mnopqrst");
    expect(store.feeds.deck.value.ended).toBe(true);
  });

  it("that could not be had may be asked for again", async () => {
    const found: Found = { cards: [{ clip: "a" } as Card], source: "s", version: 0 };
    const answers: (Found | null)[] = [null, found];
    const pages = new Pages(() => {});
    await pages.open(async () => (answers.length > 0 ? (answers.shift() ?? null) : { ...found, cards: [] }));
    expect(pages.deck.value).toMatchObject({ loading: false, ended: false, pages: [] });
    await pages.next();
    expect(pages.page.value).toBe(found);
  });
});
