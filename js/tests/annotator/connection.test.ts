import { beforeEach, describe, expect, it, vi } from "vitest";
import { Store } from "../../src/annotator/store";
import { tabStorage } from "../../src/kernel/tabStorage";
import { settle } from "../goldenKernel";
import { ALL_CLIPS, ClipKernel, openStore, STATUS, shownClips, storeWithView } from "../testStore";

beforeEach(() => sessionStorage.clear());

describe("opening", () => {
  it("searches for the concept as long as one class has no label, and opens the feeds after that", async () => {
    const oneClass = new ClipKernel();
    oneClass.status = { ...STATUS, counts: { yes: 2, no: 0, unsure: 0 } };
    const first = storeWithView(oneClass);
    await first.connection.open(4);
    expect(oneClass.lastRequest("search")).toMatchObject({
      text: "“night” 🌙",
      k: 4,
      exclude: ["a", "b", "c", "d"], // the second page, which is fetched ahead
    }); // the next page is fetched ahead
    sessionStorage.clear();
    const bothClasses = new ClipKernel();
    const later = storeWithView(bothClasses);
    await later.connection.open(4);
    expect(later.state.viewState.value.tab).toBe("feeds");
    expect(bothClasses.lastRequest("feed")).toMatchObject({ name: "suggested" });
  });

  it("opens the feeds if text search is unavailable", async () => {
    const oneClass = new ClipKernel();
    oneClass.status = {
      ...STATUS,
      counts: { yes: 2, no: 0, unsure: 0 },
      words: "unavailable",
      words_note: "Gone.",
    };
    const store = storeWithView(oneClass);
    await store.connection.open(4);
    expect(store.state.viewState.value.tab).toBe("feeds");
    expect(store.state.textSearchUnavailable.value).toBe(true);
  });

  it("distinguishes a kernel that loads its text model from a busy one, unless labels are unsaved", async () => {
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

  it("goes back to where the user was after a restart of the kernel, but not in another concept", async () => {
    const { store } = await openStore();
    await store.navigation.openFeed("borderline");
    store.state.updateViewState({ size: 200 });
    const restarted = new ClipKernel();
    restarted.traits.set("place", { size: 300 }); // how the annotator likes the page, from the kernel
    const again = storeWithView(restarted);
    await again.connection.open(4);
    expect(again.state.viewState.value).toMatchObject({ tab: "feeds", feed: "borderline", size: 300 });
    const other = new ClipKernel();
    other.status = { ...STATUS, concept: "snow" };
    const elsewhere = storeWithView(other);
    await elsewhere.connection.open(4);
    expect(elsewhere.state.viewState.value).toMatchObject({ feed: "", query: "snow" });
  });

  it("goes back to where the user was on the reloaded page, although the kernel was too busy to be told", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("borderline");
    const told = kernel.traits.get("place");
    await store.navigation.openFeed("random");
    kernel.traits.set("place", told); // the host has held the change back, and was reloaded
    const again = storeWithView(kernel);
    await again.connection.open(4);
    expect(again.state.viewState.value).toMatchObject({ tab: "feeds", feed: "random" });
  });

  it("goes back to its own place where two annotators of one concept are on a page", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("borderline");
    const { store: second } = await openStore();
    await second.navigation.openReview({ review: "yes" });
    const again = storeWithView(kernel);
    await again.connection.open(4);
    expect(again.state.viewState.value).toMatchObject({ tab: "feeds", feed: "borderline" });
  });

  it("goes back although the size of the cards was changed before the kernel replied", async () => {
    const { store } = await openStore();
    await store.navigation.openFeed("borderline");
    const again = storeWithView(new ClipKernel());
    again.state.updateViewState({ size: 200 });
    await again.connection.open(4);
    expect(again.state.viewState.value).toMatchObject({ tab: "feeds", feed: "borderline", size: 200 });
  });

  it("stays where the user has gone before the kernel replied", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("borderline");
    const again = storeWithView(kernel);
    again.state.updateViewState({ tab: "review" });
    await again.connection.open(4);
    expect(again.state.viewState.value).toMatchObject({ tab: "review" });
  });

  it("restores the saved tab and feed", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("borderline");
    const again = storeWithView(kernel);
    await again.connection.open(4);
    expect(again.state.viewState.value).toMatchObject({ tab: "feeds", feed: "borderline" });
    expect(shownClips(again)).toBe("abcd");
  });

  it("sends one hello, however many views there are", async () => {
    const { kernel, store } = await openStore();
    await store.connection.open(9);
    expect(kernel.requests.filter((message) => message.type === "hello")).toHaveLength(1);
  });

  it("keeps the tab that the user opens before the kernel has replied", async () => {
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
  // A store whose only view was detached, as when its cell is run again. Only later requests are counted.
  async function detached() {
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

  it("a refit causes no request; the next view gets the newest clips", async () => {
    const { kernel, store, types } = await detached();
    kernel.refit(4);
    kernel.refit(5);
    await settle();
    expect(types()).toEqual([]);
    store.connection.attach();
    await settle();
    expect(types()).toEqual(["hello", "feed"]); // the filmstrips are cached
    expect([shownClips(store), store.lists.feeds.fresh.value]).toEqual(["abcd", 4]);
    await store.lists.next();
    expect(store.lists.page.value?.version).toBe(5);
  });

  it("a view that has missed nothing requests no clips again", async () => {
    const { store, types } = await detached();
    store.connection.attach();
    store.connection.attach();
    await settle();
    expect(types()).toEqual(["hello"]);
    expect(shownClips(store)).toBe("abcd");
  });

  it("a page that arrives late is kept, but no filmstrips and no further page are requested", async () => {
    const kernel = new ClipKernel();
    const store = new Store(kernel);
    const detach = store.connection.attach();
    kernel.hold = true;
    const opening = store.connection.open(4);
    kernel.release(); // the hello
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

  it("unsaved labels are still sent, also those that an earlier page has left", async () => {
    const { kernel, store } = await detached();
    kernel.hold = true;
    const done = store.labelling.label(["a"], "yes");
    void store.labelling.label(["a"], "no");
    kernel.release();
    await done;
    await settle();
    expect(kernel.stored.get("a")).toBe("no");
    expect(store.labels.unsavedCount.value).toBe(0);
    const unseen = new Store(kernel); // its view was detached before the kernel replied
    const change = { type: "label", concept: "x", clips: ["q"], value: "yes", source: "s" } as const;
    tabStorage("5e0c", String(STATUS.annotator), "earlier").save([{ id: "e1", change }]);
    kernel.requests.length = 0;
    await unseen.connection.open(4);
    await settle();
    expect(kernel.stored.get("q")).toBe("yes");
    expect(kernel.requests.map(({ type }) => type)).toEqual(["hello", "bye", "label"]);
  });

  it("a switched concept or a selection causes no request, and is shown in the next view", async () => {
    const { kernel, store, types } = await detached();
    kernel.status = { ...kernel.status, concept: "rain" };
    kernel.deliver({ v: 1, event: "switch", data: { status: kernel.status } }); // for another window
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

  it("the last view that is detached says bye, with the id of its page", async () => {
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

  it("labels that others have given are shown in the next view", async () => {
    const { kernel, store } = await detached();
    await store.labelling.label(["a"], "yes");
    kernel.stored.set("b", "no").delete("a");
    kernel.status = { ...kernel.status, counts: { yes: 0, no: 1, unsure: 0 } };
    store.connection.attach();
    await settle();
    expect(kernel.lastRequest("hello")?.clips).toContain("b");
    expect(["a", "b"].map((clip) => store.labels.get(clip))).toEqual([null, "no"]);
    expect(store.state.status.value?.counts.no).toBe(1);
  });

  it("the review is loaded again for the next view", async () => {
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

  it("bye is sent again after a reply to a hello that may have arrived later", async () => {
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

describe("the connection", () => {
  const EVENT = "comm_live_update";

  it("is checked when the host reports a change; a lost kernel is shown at once", async () => {
    const { kernel, store } = await openStore();
    await settle();
    kernel.requests.length = 0;
    kernel.emit(EVENT);
    await settle();
    expect(kernel.requests.map(({ type }) => type)).toEqual(["hello"]);
    expect(store.state.lost.value).toBe(false);
    kernel.isLost = true;
    kernel.emit(EVENT);
    expect(store.state.lost.value).toBe(true);
    kernel.isLost = false;
    kernel.emit(EVENT);
    expect(store.state.lost.value).toBe(false);
  });

  it("is checked by sending a pending request again, without a further one", async () => {
    const { kernel } = await openStore();
    await settle();
    kernel.hold = true;
    kernel.requests.length = 0;
    kernel.emit(EVENT);
    kernel.emit(EVENT);
    expect(kernel.requests.map(({ type, id }) => [type, id])).toEqual([
      ["hello", kernel.requests[0]?.id],
      ["hello", kernel.requests[0]?.id],
    ]);
  });

  it("is not checked without a view, or after the model was closed", async () => {
    const kernel = new ClipKernel();
    const store = new Store(kernel);
    await store.connection.open(4);
    kernel.requests.length = 0;
    kernel.emit(EVENT);
    expect(kernel.requests).toEqual([]);
    store.close();
    expect(kernel.listenerCount).toBe(0);
  });

  it("is checked when the user comes back after a while; missed labels are then shown", async () => {
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
    expect(store.state.error.value).toBe("The disk is full."); // the hello has not solved it
    vi.useRealTimers();
  });

  it("is checked while nobody does anything, so that a label file that has gone does not stay unnoticed", async () => {
    vi.useFakeTimers();
    const { kernel, store } = await openStore();
    await vi.advanceTimersByTimeAsync(100);
    kernel.requests.length = 0;
    kernel.status = { ...kernel.status, state: "error", message: "The labels' file is gone." };
    await vi.advanceTimersByTimeAsync(20_000);
    expect(kernel.requests[0]).toMatchObject({ type: "hello", clips: [] });
    expect(store.state.status.value?.message).toBe("The labels' file is gone.");
    const hidden = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    kernel.requests.length = 0;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(kernel.requests).toEqual([]);
    hidden.mockRestore();
    vi.useRealTimers();
  });

  it("does not show a selection again if the user has started a search meanwhile", async () => {
    const selecting = new ClipKernel();
    selecting.selection = { title: "on the map", clips: ["k"] };
    const { kernel, store } = await openStore(selecting);
    await settle();
    expect(shownClips(store)).toBe("k");
    kernel.hold = true;
    kernel.emit(EVENT);
    const searched = store.navigation.openSearch("sun");
    kernel.release();
    await searched;
    expect(store.navigation.selection.value).toBeNull();
    expect(shownClips(store)).toBe("abcd");
  });
});
