import { beforeEach, describe, expect, it, vi } from "vitest";
import { Store } from "../../src/annotator/store";
import { tabStorage } from "../../src/kernel/tabStorage";
import { settle } from "../goldenKernel";
import { ALL_CLIPS, ClipKernel, openStore, STATUS, shownClips, storeWithView } from "../testStore";

beforeEach(() => sessionStorage.clear());

describe("opening", () => {
  it("searches for the concept as long as a class is missing, then opens the feeds", async () => {
    const young = new ClipKernel();
    young.status = { ...STATUS, counts: { yes: 2, no: 0, unsure: 0 } };
    const first = storeWithView(young);
    await first.connection.open(4);
    expect(young.lastRequest("search")).toMatchObject({ text: "“night” 🌙", k: 8 }); // the next page ahead of time
    const grown = new ClipKernel();
    const later = storeWithView(grown);
    await later.connection.open(4);
    expect(later.state.viewState.value.tab).toBe("feeds");
    expect(grown.lastRequest("feed")).toMatchObject({ name: "suggested" });
  });

  it("opens the feeds where words cannot be searched for now", async () => {
    const young = new ClipKernel();
    young.status = {
      ...STATUS,
      counts: { yes: 2, no: 0, unsure: 0 },
      words: "unavailable",
      words_note: "Gone.",
    };
    const store = storeWithView(young);
    await store.connection.open(4);
    expect(store.state.viewState.value.tab).toBe("feeds");
    expect(store.state.textSearchUnavailable.value).toBe(true);
  });

  it("does not take a kernel that loads its text model for a busy one, unless labels wait too", async () => {
    const kernel = new ClipKernel();
    kernel.status = { ...STATUS, words: "loading" };
    const { store } = await openStore(kernel);
    expect(store.connection.waitsForTextModel.value).toBe(true);
    kernel.hold = true;
    void store.labelling.label(["a"], "yes");
    expect(store.connection.waitsForTextModel.value).toBe(false);
    kernel.release();
    await settle();
    expect(store.connection.waitsForTextModel.value).toBe(true);
  });

  it("comes back to where it was", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("borderline");
    const again = storeWithView(kernel);
    await again.connection.open(4);
    expect(again.state.viewState.value).toMatchObject({ tab: "feeds", feed: "borderline" });
    expect(shownClips(again)).toBe("abcd");
  });

  it("is asked for once, however many views there are", async () => {
    const { kernel, store } = await openStore();
    await store.connection.open(9);
    expect(kernel.requests.filter((message) => message.type === "hello")).toHaveLength(1);
  });

  it("who is faster than the kernel is not sent back", async () => {
    const kernel = new ClipKernel();
    kernel.hold = true;
    const store = storeWithView(kernel);
    const opening = store.connection.open(4);
    const reviewing = store.navigation.openTab("review");
    kernel.release();
    await Promise.all([opening, reviewing]);
    expect(store.state.viewState.value.tab).toBe("review");
    expect(store.lists.clips.value).toEqual(ALL_CLIPS);
  });
});

describe("without a view", () => {
  // A cell that was run again has taken the only view away; messages are counted from then on.
  async function left() {
    const kernel = new ClipKernel();
    kernel.traits.set("place", { tab: "feeds", feed: "random" });
    const store = new Store(kernel);
    const detach = store.connection.attach();
    await store.connection.open(4);
    await settle();
    detach();
    kernel.requests.length = 0;
    const types = () => kernel.requests.map(({ type }) => type);
    return { kernel, store, types };
  }

  it("a refit leads to no question, and a view that comes back is offered the newest clips", async () => {
    const { kernel, store, types } = await left();
    kernel.refit(4);
    kernel.refit(5);
    await settle();
    expect(types()).toEqual([]);
    store.connection.attach();
    await settle();
    expect(types()).toEqual(["hello", "feed"]); // the pictures are known
    expect([shownClips(store), store.lists.feeds.fresh.value]).toEqual(["abcd", 4]);
    await store.lists.next();
    expect(store.lists.page.value?.version).toBe(5);
  });

  it("no clips are asked for again by a view that has missed nothing", async () => {
    const { store, types } = await left();
    store.connection.attach();
    store.connection.attach();
    await settle();
    expect(types()).toEqual(["hello"]);
    expect(shownClips(store)).toBe("abcd");
  });

  it("a page that comes late is kept, but brings no pictures and no further page", async () => {
    const kernel = new ClipKernel();
    const store = new Store(kernel);
    const detach = store.connection.attach();
    kernel.hold = true;
    const opening = store.connection.open(4);
    kernel.release(); // what was asked for first
    kernel.hold = true;
    await settle();
    expect(kernel.lastRequest("feed")).toBeDefined();
    detach();
    kernel.requests.length = 0;
    kernel.release();
    await opening;
    expect(shownClips(store)).toBe("abcd");
    expect(kernel.requests).toEqual([]);
    store.connection.attach();
    await settle();
    expect(store.lists.feeds.progress.value.ahead?.cards.map((card) => card.clip).join("")).toBe("efgh");
  });

  it("unsaved labels are still sent, also those of an earlier page", async () => {
    const { kernel, store } = await left();
    kernel.hold = true;
    const done = store.labelling.label(["a"], "yes");
    void store.labelling.label(["a"], "no");
    kernel.release();
    await done;
    await settle();
    expect(kernel.stored.get("a")).toBe("no");
    expect(store.labels.unsavedChanges.value).toBe(0);
    const unseen = new Store(kernel); // a view that went before the kernel answered
    const change = { type: "label", concept: "x", clips: ["q"], value: "yes", source: "s" } as const;
    tabStorage("5e0c", String(STATUS.annotator), "earlier").save([{ id: "e1", change }]);
    kernel.requests.length = 0;
    await unseen.connection.open(4);
    await settle();
    expect(kernel.stored.get("q")).toBe("yes");
    expect(kernel.requests.map(({ type }) => type)).toEqual(["hello", "bye", "label"]);
  });

  it("another concept or a selection leads to no question, and is shown to the next view", async () => {
    const { kernel, store, types } = await left();
    kernel.status = { ...kernel.status, concept: "rain" };
    kernel.deliver({ v: 1, event: "switch", data: { status: kernel.status } }); // meant for another window
    kernel.selection = { title: "on the map", clips: ["k", "a"] };
    kernel.deliver({ v: 1, event: "show", data: { selection: kernel.selection, status: kernel.status } });
    await settle();
    expect(types()).toEqual([]);
    store.connection.attach();
    await settle();
    expect(store.state.status.value?.concept).toBe("rain");
    expect(shownClips(store)).toBe("ka");
    expect(store.navigation.selection.value?.title).toBe("on the map");
  });

  it("the kernel hears goodbye from the last one, and which page it is", async () => {
    const { kernel, store } = await openStore();
    const second = store.connection.attach();
    second();
    expect(kernel.lastRequest("bye")).toBeUndefined();
    const other = new Store(kernel); // in another window
    other.connection.attach()();
    expect(kernel.lastRequest("bye")?.page).toBe(other.client.page);
    expect(kernel.lastRequest("hello")?.page).toBe(store.client.page);
    expect(other.client.page).not.toBe(store.client.page);
  });

  it("labels that others give are there when a view comes back", async () => {
    const { kernel, store } = await left();
    await store.labelling.label(["a"], "yes");
    kernel.stored.set("b", "no").delete("a");
    kernel.status = { ...kernel.status, counts: { yes: 0, no: 1, unsure: 0 } };
    store.connection.attach();
    await settle();
    expect(kernel.lastRequest("hello")?.clips).toContain("b");
    expect(["a", "b"].map((clip) => store.labels.get(clip))).toEqual([null, "no"]);
    expect(store.state.status.value?.counts.no).toBe(1);
  });

  it("what Review lists is asked for anew", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openReview({});
    const again = new Store(kernel);
    const detach = again.connection.attach();
    await again.connection.open(4);
    detach();
    kernel.requests.length = 0;
    again.connection.attach();
    await settle();
    expect(kernel.lastRequest("review")).toBeDefined();
  });

  it("a goodbye that a late hello has overtaken is said again", async () => {
    const kernel = new ClipKernel();
    const store = new Store(kernel);
    const detach = store.connection.attach();
    kernel.hold = true;
    const opening = store.connection.open(4);
    detach();
    kernel.release();
    await opening;
    expect(kernel.requests.filter(({ type }) => type === "bye")).toHaveLength(2);
  });
});

describe("the connection to the kernel", () => {
  const CONNECTION = "comm_live_update";

  it("is asked for when the host doubts it, and a kernel that is gone is said at once", async () => {
    const { kernel, store } = await openStore();
    await settle();
    kernel.requests.length = 0;
    kernel.emit(CONNECTION);
    await settle();
    expect(kernel.requests.map(({ type }) => type)).toEqual(["hello"]);
    expect(store.state.lost.value).toBe(false);
    kernel.isLost = true;
    kernel.emit(CONNECTION);
    expect(store.state.lost.value).toBe(true);
    kernel.isLost = false;
    kernel.emit(CONNECTION);
    expect(store.state.lost.value).toBe(false);
  });

  it("that is doubted while something waits gets this once more, and no further question", async () => {
    const { kernel } = await openStore();
    await settle();
    kernel.hold = true;
    kernel.requests.length = 0;
    kernel.emit(CONNECTION);
    kernel.emit(CONNECTION);
    expect(kernel.requests.map(({ type, id }) => [type, id])).toEqual([
      ["hello", kernel.requests[0]?.id],
      ["hello", kernel.requests[0]?.id],
    ]);
  });

  it("is no matter of a page without a view, or of a model that is closed", async () => {
    const kernel = new ClipKernel();
    const store = new Store(kernel);
    await store.connection.open(4);
    kernel.requests.length = 0;
    kernel.emit(CONNECTION);
    expect(kernel.requests).toEqual([]);
    store.close();
    expect(kernel.listenerCount).toBe(0);
  });

  it("is asked for by who comes back after a while, and tells what was missed", async () => {
    const { kernel, store } = await openStore();
    store.state.error.value = "The disk is full.";
    await settle();
    kernel.requests.length = 0;
    store.connection.visit();
    expect(kernel.requests).toEqual([]);
    vi.setSystemTime(Date.now() + 60_000);
    kernel.stored.set("b", "no");
    store.connection.visit();
    await settle();
    expect(kernel.requests.map(({ type }) => type)).toEqual(["hello"]);
    expect(store.labels.get("b")).toBe("no");
    expect(store.state.error.value).toBe("The disk is full."); // it is no answer to that
    vi.useRealTimers();
  });

  it("answers too late for who has gone on to search", async () => {
    const chosen = new ClipKernel();
    chosen.selection = { title: "on the map", clips: ["k"] };
    const { kernel, store } = await openStore(chosen);
    await settle();
    expect(shownClips(store)).toBe("k");
    kernel.hold = true;
    kernel.emit(CONNECTION);
    const searched = store.navigation.openSearch("sun");
    kernel.release();
    await searched;
    expect(store.navigation.selection.value).toBeNull();
    expect(shownClips(store)).toBe("abcd");
  });
});
