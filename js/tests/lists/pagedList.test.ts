import { describe, expect, it } from "vitest";
import type { Card } from "../../src/kernel/protocol";
import { type Page, PagedList } from "../../src/lists/pagedList";
import { settle } from "../goldenKernel";
import { openStore, shownClips } from "../testStore";

describe("pages", () => {
  it("go on without repetition, and back unchanged", async () => {
    const { store } = await openStore();
    await store.navigation.openFeed("random");
    await store.lists.next();
    expect(shownClips(store)).toBe("efgh");
    store.lists.previous();
    expect(shownClips(store)).toBe("abcd");
    await store.lists.next();
    expect(shownClips(store)).toBe("efgh");
  });

  it("are fetched ahead, with their filmstrips", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("random");
    await settle();
    expect(store.lists.feeds.progress.value.ahead?.cards.map((card) => card.clip).join("")).toBe("efgh");
    await new Promise((resolve) => setTimeout(resolve, 20)); // longer than the delay in which filmstrips are batched
    const filmstrips = kernel.requests
      .filter(({ type }) => type === "filmstrips")
      .flatMap(({ clips }) => clips);
    expect(filmstrips).toContain("h");
    kernel.hold = true; // the next page needs no request
    await store.lists.next();
    expect(shownClips(store)).toBe("efgh");
  });

  it("never change while they are shown: a refit only offers new clips", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("random");
    await settle();
    expect(store.lists.feeds.fresh.value).toBe(0);
    kernel.refit(4);
    await settle();
    expect(shownClips(store)).toBe("abcd");
    expect(store.lists.feeds.fresh.value).toBe(4);
    expect(kernel.lastRequest("feed")).toMatchObject({ exclude: ["a", "b", "c", "d"] });
    await store.lists.next();
    expect(shownClips(store)).toBe("efgh");
    expect(store.lists.feeds.fresh.value).toBe(0);
  });

  it("requested during a refit are those of the newest classifier", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("random");
    await settle();
    kernel.hold = true;
    kernel.refit(4);
    const next = store.lists.next();
    kernel.refit(5);
    kernel.release();
    await next;
    await settle();
    expect(store.lists.page.value?.version).toBe(5);
    expect(shownClips(store)).toBe("efgh");
  });

  it("of another feed are discarded if they arrive late", async () => {
    const { kernel, store } = await openStore();
    kernel.hold = true;
    const slow = store.navigation.openFeed("random");
    const fast = store.navigation.openFeed("borderline");
    kernel.held.reverse();
    kernel.release();
    await Promise.all([slow, fast]);
    expect(store.lists.page.value?.source).toBe("borderline");
    expect(store.lists.feeds.progress.value.pages).toHaveLength(1);
  });

  it("end where the list ends", async () => {
    const { store } = await openStore(undefined, 12);
    await store.navigation.openFeed("random");
    await store.lists.next();
    expect(shownClips(store)).toBe("mnopqrst");
    await store.lists.next();
    expect(shownClips(store)).toBe("mnopqrst");
    expect(store.lists.feeds.progress.value.ended).toBe(true);
  });

  it("that failed to load can be requested again", async () => {
    const page: Page = { cards: [{ clip: "a" } as Card], source: "s", version: 0 };
    const answers: (Page | null)[] = [null, page];
    const list = new PagedList(() => {});
    await list.open(async () => (answers.length > 0 ? (answers.shift() ?? null) : { ...page, cards: [] }));
    expect(list.progress.value).toMatchObject({ loading: false, ended: false, pages: [] });
    await list.next();
    expect(list.page.value).toBe(page);
  });
});

describe("a page whose size the user changes", () => {
  it("grows by the clips that follow, and keeps the focus", async () => {
    const { store, view } = await openStore();
    await store.navigation.openFeed("random");
    await store.lists.next();
    view.cards.focusCard(2);
    store.lists.perPage.value = 10;
    await store.lists.resize(view.clip.value);
    expect(shownClips(store)).toBe("efghijklmn");
    view.restart();
    expect(view.clip.value).toBe("g");
    await store.lists.next();
    expect(shownClips(store)).toBe("opqrst");
    store.lists.previous();
    store.lists.previous();
    expect(shownClips(store)).toBe("abcd"); // as it was
  });

  it("shrinks to the part with the focus; the rest is on the pages around it", async () => {
    const { store, view } = await openStore(undefined, 10);
    await store.navigation.openFeed("random");
    store.lists.perPage.value = 3;
    await store.lists.resize("e");
    expect(shownClips(store)).toBe("def");
    view.restart();
    expect(view.clip.value).toBe("e");
    await store.lists.next();
    await store.lists.next();
    expect(shownClips(store)).toBe("j");
    await store.lists.next();
    expect(shownClips(store)).toBe("klm");
  });

  it("gets the size that was chosen while it was loading", async () => {
    const { kernel, store } = await openStore();
    kernel.hold = true;
    const opened = store.navigation.openFeed("random");
    store.lists.perPage.value = 7;
    const resized = store.lists.resize("");
    kernel.release();
    await Promise.all([opened, resized]);
    expect(shownClips(store)).toBe("abcdefg");
  });

  it("takes none of the clips that were requested for the former size", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("random");
    kernel.hold = true;
    const next = store.lists.next(); // the second page is here, the third is requested
    store.lists.perPage.value = 6;
    const resized = store.lists.resize("e");
    kernel.release();
    await Promise.all([next, resized]);
    await settle();
    expect(shownClips(store)).toBe("efghij");
    await store.lists.next();
    expect(shownClips(store)).toBe("klmnop");
  });
});
