import { beforeEach, describe, expect, it, vi } from "vitest";
import events from "../../tests/protocol_cases/events.json";
import { feedOf } from "../src/feeds";
import { tabShelf } from "../src/outbox";
import { columnsIn, pageOf, readPlace } from "../src/place";
import type { Status } from "../src/protocol";
import { Store } from "../src/store";
import { settle } from "./kernel";
import { EVERY, opened, Shop, STATUS, seen, shown } from "./shop";

beforeEach(() => sessionStorage.clear());

describe("opening", () => {
  it("searches for the concept as long as a class is missing, then opens the feeds", async () => {
    const young = new Shop();
    young.status = { ...STATUS, counts: { yes: 2, no: 0, unsure: 0 } };
    const first = seen(young);
    await first.open(4);
    expect(young.last("search")).toMatchObject({ text: "“night” 🌙", k: 8 }); // the next page ahead of time
    const grown = new Shop();
    const later = seen(grown);
    await later.open(4);
    expect(later.place.value.tab).toBe("feeds");
    expect(grown.last("feed")).toMatchObject({ name: "suggested" });
  });

  it("opens the feeds where words cannot be searched for now", async () => {
    const young = new Shop();
    young.status = {
      ...STATUS,
      counts: { yes: 2, no: 0, unsure: 0 },
      words: "unavailable",
      words_note: "Gone.",
    };
    const store = seen(young);
    await store.open(4);
    expect(store.place.value.tab).toBe("feeds");
    expect(store.wordless.value).toBe(true);
  });

  it("searches again for what was searched for in vain, once the text model is there", async () => {
    const kernel = new Shop();
    kernel.status = { ...STATUS, words: "unavailable", words_note: "The folder is gone." };
    const { store } = await opened(kernel);
    const answer = kernel.answer;
    kernel.refuse("no_text_search", "The folder is gone.");
    await store.find("rain");
    expect(store.clips.value).toEqual([]);
    expect(store.error.value).toBe(""); // the header says it
    kernel.answer = answer;
    kernel.status = { ...kernel.status, words: "ready", words_note: "" };
    const searches = kernel.asked.filter((message) => message.type === "search").length;
    kernel.tell({ v: 1, event: "status", data: { status: kernel.status } });
    await settle();
    expect(kernel.asked.filter((message) => message.type === "search").length).toBeGreaterThan(searches);
    expect(kernel.last("search")).toMatchObject({ text: "rain" });
    expect(shown(store)).toBe("abcd");
  });

  it("does not take a kernel that loads its text model for a busy one, unless labels wait too", async () => {
    const kernel = new Shop();
    kernel.status = { ...STATUS, words: "loading" };
    const { store } = await opened(kernel);
    expect(store.waits.value).toBe(true);
    kernel.hold = true;
    void store.label(["a"], "yes");
    expect(store.waits.value).toBe(false);
    kernel.release();
    await settle();
    expect(store.waits.value).toBe(true);
  });

  it("keeps what the kernel says about a search with its page", async () => {
    const kernel = new Shop();
    const golden = kernel.answer;
    kernel.answer = (message) => {
      const reply = golden(message) as { result: object };
      if (message.type === "search") reply.result = { ...reply.result, note: "These words tell nothing." };
      return reply;
    };
    const { store } = await opened(kernel);
    expect(store.page.value?.note).toBe("These words tell nothing.");
    await store.alike("c");
    expect(store.page.value?.note).toBeUndefined();
  });

  it("comes back to where it was", async () => {
    const { kernel, store } = await opened();
    await store.openFeed("borderline");
    const again = seen(kernel);
    await again.open(4);
    expect(again.place.value).toMatchObject({ tab: "feeds", feed: "borderline" });
    expect(shown(again)).toBe("abcd");
  });

  it("takes nothing from a place that makes no sense", () => {
    const odd = { tab: "<b>", size: 9, feed: 3, page: 4000, order: "best", keys: [1] };
    expect(readPlace(odd)).toEqual({
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
    expect(readPlace(null).tab).toBe("search");
  });

  it("asks for a page's pictures before it asks for the next page", async () => {
    const kernel = new Shop();
    await seen(kernel).open(4);
    const order = kernel.asked.map((message) => message.type).filter((type) => type !== "hello");
    expect(order.slice(0, 3)).toEqual(["feed", "filmstrips", "feed"]);
  });

  it("is asked for once, however many views there are", async () => {
    const { kernel, store } = await opened();
    await store.open(9);
    expect(kernel.asked.filter((message) => message.type === "hello")).toHaveLength(1);
  });
});

describe("cards", () => {
  it.each([
    [300, 264, 1],
    [1200, 264, 4],
    [1200, 120, 9],
    [100, 264, 1],
  ])("of %i px at size %i are in %i columns", (width, size, columns) => {
    expect(columnsIn(width, size)).toBe(columns);
  });

  it("fill the screen in full rows, unless a number is wanted", () => {
    expect(pageOf(1200, 4, 0) % 4).toBe(0);
    expect(pageOf(300, 1, 0)).toBeGreaterThanOrEqual(5);
    expect(pageOf(3000, 24, 0)).toBeLessThanOrEqual(100);
    expect(pageOf(1200, 4, 48)).toBe(48);
  });
});

describe("the feed", () => {
  const status = (yes: number, no: number, feeds = STATUS.feeds) =>
    ({ ...STATUS, feeds, counts: { yes, no, unsure: 0 } }) as unknown as Status;

  it("is the person's choice, or what suits the labels so far", () => {
    expect(feedOf("random", status(1, 1))).toBe("random");
    expect(feedOf("", status(1, 1))).toBe("suggested");
    expect(feedOf("", status(1, 0))).toBe("top_positive");
    expect(feedOf("suggested", status(1, 1, ["borderline"]))).toBe("borderline");
  });

  it("that the session does not have is not opened", async () => {
    const { kernel, store } = await opened();
    await store.openFeed("dance");
    expect(kernel.last("feed")).toBeUndefined();
  });
});

describe("labels", () => {
  it("show at once and are sent with their concept and source", async () => {
    const { kernel, store } = await opened();
    kernel.hold = true;
    const done = store.label(["a"], "yes");
    expect(store.labels.value.get("a")).toBe("yes");
    kernel.release();
    await done;
    expect(kernel.last("label")).toMatchObject({
      concept: "“night” 🌙",
      clips: ["a"],
      value: "yes",
      source: "search",
    });
  });

  it("that the kernel refuses are taken back, and the reason is shown", async () => {
    const { kernel, store } = await opened();
    kernel.refuse("failed", "The disk is full.");
    await store.label(["a"], "no");
    expect(store.labels.value.get("a")).toBeNull();
    expect(store.error.value).toBe("The disk is full.");
  });

  it("go away when a pressed button is pressed again, but never by a repeated key", async () => {
    const { store, view } = await opened();
    view.label("yes");
    view.focus.value = 0;
    view.label("yes");
    await settle();
    expect(store.labels.value.get("a")).toBe("yes");
    view.press(0, "yes");
    await settle();
    expect(store.labels.value.get("a")).toBeNull();
  });

  it("of another view come in as an event, but not those of another concept", async () => {
    const { kernel, store } = await opened();
    const golden = events.find((event) => event.event === "labels");
    kernel.tell(golden);
    expect(store.labels.value.get("ab12-00001200-00003040")).toBe("no");
    const other = { labels: { a: "yes" }, status: { ...kernel.status, concept: "rain" } };
    kernel.tell({ v: 1, event: "labels", data: other });
    expect(store.labels.value.get("a")).toBeNull();
  });

  it("of thousands of clips go in messages that the kernel takes", async () => {
    const { kernel, store } = await opened();
    await store.label(
      Array.from({ length: 1200 }, (_, i) => `c${i}`),
      "no",
    );
    const sizes = kernel.asked
      .filter(({ type }) => type === "label")
      .map(({ clips }) => (clips as string[]).length);
    expect(sizes).toEqual([500, 500, 200]);
  });
});

describe("the concept", () => {
  it("can be another: its own labels, pages and place", async () => {
    const { kernel, store } = await opened();
    await store.label(["a"], "yes");
    kernel.stored.clear();
    await store.switchTo("rain");
    expect(store.status.value?.concept).toBe("rain");
    expect(store.labels.value.get("a")).toBeNull();
    expect(kernel.last("search")).toMatchObject({ text: "rain" });
    expect(store.opening.value).toBe("");
  });

  it("follows when another window has switched", async () => {
    const { kernel, store } = await opened();
    kernel.status = { ...kernel.status, concept: "rain" };
    kernel.tell({ v: 1, event: "switch", data: { status: kernel.status } });
    await settle();
    expect(store.status.value?.concept).toBe("rain");
    expect(store.place.value.tab).toBe("feeds");
  });

  it("of a label on its way is the one it was given for", async () => {
    const { kernel, store } = await opened();
    kernel.hold = true;
    const label = store.label(["a"], "yes");
    const held = kernel.held;
    kernel.held = [];
    kernel.hold = false;
    await store.switchTo("rain");
    kernel.held = held;
    kernel.release();
    await label;
    expect(kernel.last("label")).toMatchObject({ concept: "“night” 🌙" });
    expect(store.labels.value.get("a")).toBeNull();
  });
});

describe("without a view", () => {
  // A cell that was run again has taken the only view away; messages are counted from then on.
  async function left() {
    const kernel = new Shop();
    kernel.kept.set("place", { tab: "feeds", feed: "random" });
    const store = new Store(kernel);
    const detach = store.attach();
    await store.open(4);
    await settle();
    detach();
    kernel.asked.length = 0;
    const types = () => kernel.asked.map(({ type }) => type);
    return { kernel, store, types };
  }

  it("a refit leads to no question, and a view that comes back is offered the newest clips", async () => {
    const { kernel, store, types } = await left();
    kernel.refitted(4);
    kernel.refitted(5);
    await settle();
    expect(types()).toEqual([]);
    store.attach();
    await settle();
    expect(types()).toEqual(["hello", "feed"]); // the pictures are known
    expect([shown(store), store.feeds.fresh.value]).toEqual(["abcd", 4]);
    await store.next();
    expect(store.page.value?.version).toBe(5);
  });

  it("no clips are asked for again by a view that has missed nothing", async () => {
    const { store, types } = await left();
    store.attach();
    store.attach();
    await settle();
    expect(types()).toEqual(["hello"]);
    expect(shown(store)).toBe("abcd");
  });

  it("a page that comes late is kept, but brings no pictures and no further page", async () => {
    const kernel = new Shop();
    const store = new Store(kernel);
    const detach = store.attach();
    kernel.hold = true;
    const opening = store.open(4);
    kernel.release(); // what was asked for first
    kernel.hold = true;
    await settle();
    expect(kernel.last("feed")).toBeDefined();
    detach();
    kernel.asked.length = 0;
    kernel.release();
    await opening;
    expect(shown(store)).toBe("abcd");
    expect(kernel.asked).toEqual([]);
    store.attach();
    await settle();
    expect(store.feeds.deck.value.ahead?.cards.map((card) => card.clip).join("")).toBe("efgh");
  });

  it("unsaved labels are still sent, also those of an earlier page", async () => {
    const { kernel, store } = await left();
    kernel.hold = true;
    const done = store.label(["a"], "yes");
    void store.label(["a"], "no");
    kernel.release();
    await done;
    await settle();
    expect(kernel.stored.get("a")).toBe("no");
    expect(store.saving.value).toBe(0);
    const unseen = new Store(kernel); // a view that went before the kernel answered
    const change = { type: "label", concept: "x", clips: ["q"], value: "yes", source: "s" } as const;
    tabShelf("5e0c", String(STATUS.annotator), "earlier").put([{ id: "e1", change }]);
    kernel.asked.length = 0;
    await unseen.open(4);
    await settle();
    expect(kernel.stored.get("q")).toBe("yes");
    expect(kernel.asked.map(({ type }) => type)).toEqual(["hello", "bye", "label"]);
  });

  it("another concept or a selection leads to no question, and is shown to the next view", async () => {
    const { kernel, store, types } = await left();
    kernel.status = { ...kernel.status, concept: "rain" };
    kernel.tell({ v: 1, event: "switch", data: { status: kernel.status } }); // meant for another window
    kernel.selection = { title: "on the map", clips: ["k", "a"] };
    kernel.tell({ v: 1, event: "show", data: { selection: kernel.selection, status: kernel.status } });
    await settle();
    expect(types()).toEqual([]);
    store.attach();
    await settle();
    expect(store.status.value?.concept).toBe("rain");
    expect(shown(store)).toBe("ka");
    expect(store.selection.value?.title).toBe("on the map");
  });

  it("the kernel hears goodbye from the last one, and which page it is", async () => {
    const { kernel, store } = await opened();
    const second = store.attach();
    second();
    expect(kernel.last("bye")).toBeUndefined();
    const other = new Store(kernel); // in another window
    other.attach()();
    expect(kernel.last("bye")?.page).toBe(other.client.page);
    expect(kernel.last("hello")?.page).toBe(store.client.page);
    expect(other.client.page).not.toBe(store.client.page);
  });

  it("labels that others give are there when a view comes back", async () => {
    const { kernel, store } = await left();
    await store.label(["a"], "yes");
    kernel.stored.set("b", "no").delete("a");
    kernel.status = { ...kernel.status, counts: { yes: 0, no: 1, unsure: 0 } };
    store.attach();
    await settle();
    expect(kernel.last("hello")?.clips).toContain("b");
    expect(["a", "b"].map((clip) => store.labels.value.get(clip))).toEqual([null, "no"]);
    expect(store.status.value?.counts.no).toBe(1);
  });

  it("what Review lists is asked for anew", async () => {
    const { kernel, store } = await opened();
    await store.openReview({});
    const again = new Store(kernel);
    const detach = again.attach();
    await again.open(4);
    detach();
    kernel.asked.length = 0;
    again.attach();
    await settle();
    expect(kernel.last("review")).toBeDefined();
  });

  it("a goodbye that a late hello has overtaken is said again", async () => {
    const kernel = new Shop();
    const store = new Store(kernel);
    const detach = store.attach();
    kernel.hold = true;
    const opening = store.open(4);
    detach();
    kernel.release();
    await opening;
    expect(kernel.asked.filter(({ type }) => type === "bye")).toHaveLength(2);
  });
});

describe("the connection to the kernel", () => {
  const CONNECTION = "comm_live_update";

  it("is asked for when the host doubts it, and a kernel that is gone is said at once", async () => {
    const { kernel, store } = await opened();
    await settle();
    kernel.asked.length = 0;
    kernel.happen(CONNECTION);
    await settle();
    expect(kernel.asked.map(({ type }) => type)).toEqual(["hello"]);
    expect(store.lost.value).toBe(false);
    kernel.gone = true;
    kernel.happen(CONNECTION);
    expect(store.lost.value).toBe(true);
    kernel.gone = false;
    kernel.happen(CONNECTION);
    expect(store.lost.value).toBe(false);
  });

  it("that is doubted while something waits gets this once more, and no further question", async () => {
    const { kernel } = await opened();
    await settle();
    kernel.hold = true;
    kernel.asked.length = 0;
    kernel.happen(CONNECTION);
    kernel.happen(CONNECTION);
    expect(kernel.asked.map(({ type, id }) => [type, id])).toEqual([
      ["hello", kernel.asked[0]?.id],
      ["hello", kernel.asked[0]?.id],
    ]);
  });

  it("is no matter of a page without a view, or of a model that is closed", async () => {
    const kernel = new Shop();
    const store = new Store(kernel);
    await store.open(4);
    kernel.asked.length = 0;
    kernel.happen(CONNECTION);
    expect(kernel.asked).toEqual([]);
    store.close();
    expect(kernel.heard).toBe(0);
  });

  it("is asked for by who comes back after a while, and tells what was missed", async () => {
    const { kernel, store } = await opened();
    store.error.value = "The disk is full.";
    await settle();
    kernel.asked.length = 0;
    store.visit();
    expect(kernel.asked).toEqual([]);
    vi.setSystemTime(Date.now() + 60_000);
    kernel.stored.set("b", "no");
    store.visit();
    await settle();
    expect(kernel.asked.map(({ type }) => type)).toEqual(["hello"]);
    expect(store.labels.value.get("b")).toBe("no");
    expect(store.error.value).toBe("The disk is full."); // it is no answer to that
    vi.useRealTimers();
  });

  it("answers too late for who has gone on to search", async () => {
    const chosen = new Shop();
    chosen.selection = { title: "on the map", clips: ["k"] };
    const { kernel, store } = await opened(chosen);
    await settle();
    expect(shown(store)).toBe("k");
    kernel.hold = true;
    kernel.happen(CONNECTION);
    const searched = store.find("sun");
    kernel.release();
    await searched;
    expect(store.selection.value).toBeNull();
    expect(shown(store)).toBe("abcd");
  });
});

describe("review", () => {
  it("knows all clips at once and loads cards as they come into sight", async () => {
    const { kernel, store } = await opened();
    await store.openReview({ order: "newest" });
    expect(store.clips.value).toEqual(EVERY);
    store.review.need(0, 10);
    expect(kernel.last("reviewed")).toBeUndefined();
    const many = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
    store.review.list.value = { ...store.review.list.value, clips: many };
    store.review.need(5_000, 5_030);
    store.review.need(5_000, 5_030);
    await settle();
    expect(kernel.asked.filter(({ type }) => type === "reviewed")).toHaveLength(1);
    expect(store.review.list.value.cards.has("c5029")).toBe(true);
    expect(store.review.list.value.cards.has("c9000")).toBe(false);
  });
});

describe("the labels of one annotator", () => {
  it("are asked for by name, also further ones, and forgotten with the concept", async () => {
    const { kernel, store } = await opened();
    await store.openReview({ annotator: "jo" });
    expect(kernel.last("review")).toMatchObject({ annotator: "jo", value: "all" });
    expect(store.annotators.value).toEqual(["jo", "kelli"]);
    store.review.list.value = { ...store.review.list.value, clips: Array.from({ length: 99 }, String) };
    store.review.need(70, 80);
    await settle();
    expect(kernel.last("reviewed")).toMatchObject({ annotator: "jo" });
    await store.switchTo("rain");
    expect(store.place.value.annotator).toBe("");
  });
});

describe("a selection", () => {
  const clips = ["k", "a", "t", "b", "c", "d"];
  const show = (kernel: Shop, title = "on the map") =>
    kernel.tell({ v: 1, event: "show", data: { selection: { title, clips }, status: kernel.status } });

  it("opens in the search tab, page by page in its own order", async () => {
    const { kernel, store } = await opened();
    await store.tab("feeds");
    show(kernel);
    await settle();
    expect(store.place.value.tab).toBe("search");
    expect(shown(store)).toBe("katb");
    expect(store.selection.value?.title).toBe("on the map");
    await store.next();
    expect(shown(store)).toBe("cd");
    await settle();
    await store.next();
    expect(shown(store)).toBe("cd"); // its end
    await store.label(["c"], "yes");
    expect(kernel.last("label")).toMatchObject({ source: "selection" });
  });

  it("stays until something else is looked for", async () => {
    const { kernel, store } = await opened();
    show(kernel);
    await settle();
    await store.tab("feeds");
    await store.tab("search");
    expect(shown(store)).toBe("katb");
    await store.find("rain");
    expect(store.selection.value).toBeNull();
    expect(shown(store)).toBe("abcd");
  });

  it("made before the page was open is what it opens with", async () => {
    const kernel = new Shop();
    kernel.selection = { title: "on the map", clips };
    const store = seen(kernel);
    await store.open(4);
    expect(shown(store)).toBe("katb");
  });
});

it("who is faster than the kernel is not sent back", async () => {
  const kernel = new Shop();
  kernel.hold = true;
  const store = seen(kernel);
  const opening = store.open(4);
  const reviewing = store.tab("review");
  kernel.release();
  await Promise.all([opening, reviewing]);
  expect(store.place.value.tab).toBe("review");
  expect(store.clips.value).toEqual(EVERY);
});
