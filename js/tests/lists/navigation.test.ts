import { beforeEach, describe, expect, it } from "vitest";
import type { Status } from "../../src/kernel/protocol";
import { canOpen, firstTab } from "../../src/lists/navigation";
import { settle } from "../goldenKernel";
import { ClipKernel, openStore, STATUS, shownClips, storeWithView } from "../testStore";

beforeEach(() => sessionStorage.clear());

describe("a search", () => {
  it("without a result is repeated once the text model is loaded", async () => {
    const kernel = new ClipKernel();
    kernel.status = { ...STATUS, words: "unavailable", words_note: "The folder is gone." };
    const { store } = await openStore(kernel);
    const golden = kernel.reply;
    kernel.refuse("no_text_search", "The folder is gone.");
    await store.navigation.openSearch("rain");
    expect(store.lists.clips.value).toEqual([]);
    expect(store.state.error.value).toBe(""); // the header shows it
    kernel.reply = golden;
    kernel.status = { ...kernel.status, words: "ready", words_note: "" };
    const searches = kernel.requests.filter((message) => message.type === "search").length;
    kernel.deliver({ v: 1, event: "status", data: { status: kernel.status } });
    await settle();
    expect(kernel.requests.filter((message) => message.type === "search").length).toBeGreaterThan(searches);
    expect(kernel.lastRequest("search")).toMatchObject({ text: "rain" });
    expect(shownClips(store)).toBe("abcd");
  });

  it("finds moving or static clips alone, also like another one", async () => {
    const { kernel, store } = await openStore();
    expect(kernel.lastRequest("search")).toMatchObject({ motion: "all" });
    await store.navigation.showMotion("static");
    expect(kernel.lastRequest("search")).toMatchObject({ motion: "static" });
    await store.navigation.openSimilar("a");
    expect(kernel.lastRequest("similar")).toMatchObject({ motion: "static" });
    expect(kernel.traits.get("place")).toMatchObject({ motion: "static" });
  });

  it("finds all clips where their motion is not known, whatever was chosen in another corpus", async () => {
    const kernel = new ClipKernel();
    kernel.status = { ...STATUS, motion: false };
    kernel.traits.set("place", { tab: "search", motion: "moving" });
    await openStore(kernel);
    expect(kernel.lastRequest("search")).toMatchObject({ motion: "all" });
  });

  it("gives way to all clips in the order of a number, until words are searched for again", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.showMotion("moving");
    await store.navigation.showSorted("zoom", false);
    expect(kernel.lastRequest("sorted")).toMatchObject({ number: "zoom", lowest: false, motion: "moving" });
    expect(shownClips(store)).toBe("abcd");
    expect(store.lists.source).toBe("sorted");
    await store.lists.next();
    expect(shownClips(store)).toBe("efgh");
    await store.navigation.showSorted("zoom", true);
    expect(kernel.lastRequest("sorted")).toMatchObject({ number: "zoom", lowest: true });
    expect(shownClips(store)).toBe("abcd");
    await store.navigation.openSimilar("a");
    expect(store.lists.source).toBe("similar");
    await store.navigation.leaveSimilar();
    expect(store.lists.source).toBe("sorted");
    expect(kernel.traits.get("place")).toMatchObject({ number: "zoom", lowest: true });
    await store.navigation.openSearch("rain");
    expect(kernel.lastRequest("search")).toMatchObject({ text: "rain" });
    expect(store.state.number).toBe("");
  });

  it("is not sorted by a number that another corpus had", async () => {
    const kernel = new ClipKernel();
    kernel.traits.set("place", { tab: "search", query: "rain", number: "price" });
    const { store } = await openStore(kernel);
    expect(kernel.lastRequest("search")).toMatchObject({ text: "rain" });
    expect(store.lists.source).toBe("search");
  });

  it("for moves alone can be opened without a text model", () => {
    const status = { ...STATUS, searchable: false, words: "unavailable", numbers: [] } as unknown as Status;
    expect(canOpen("search", { ...status, motion: true })).toBe(true);
    expect(canOpen("search", { ...status, motion: false, numbers: ["rating"] })).toBe(true);
    expect(canOpen("search", { ...status, motion: false })).toBe(false);
    expect(firstTab({ ...status, motion: true })).toBe("feeds");
  });

  it("that is ranked by a move has a note that is no warning", async () => {
    const kernel = new ClipKernel();
    const golden = kernel.reply;
    kernel.reply = (message) => {
      const reply = golden(message) as { result: object };
      const ranked = { note: "Ranked by how the camera moves (left).", motion: "camera moves left" };
      if (message.type === "search") reply.result = { ...reply.result, ...ranked };
      return reply;
    };
    const { store } = await openStore(kernel);
    expect(store.lists.page.value).toMatchObject({
      note: "Ranked by how the camera moves (left).",
      isWarning: false,
    });
  });

  it("keeps the kernel's note with its page", async () => {
    const kernel = new ClipKernel();
    const golden = kernel.reply;
    kernel.reply = (message) => {
      const reply = golden(message) as { result: object };
      if (message.type === "search") reply.result = { ...reply.result, note: "These words tell nothing." };
      return reply;
    };
    const { store } = await openStore(kernel);
    expect(store.lists.page.value?.note).toBe("These words tell nothing.");
    await store.navigation.openSimilar("c");
    expect(store.lists.page.value?.note).toBeUndefined();
  });
});

describe("labelled clips", () => {
  it("are left out of a search until the user wants to see them", async () => {
    const { kernel, store } = await openStore();
    await store.labelling.label(["a", "c"], "no");
    expect(shownClips(store)).toBe("abcd"); // the page stays as it is
    await store.navigation.openSearch("rain");
    expect(shownClips(store)).toBe("bdef");
    await store.lists.next();
    expect(shownClips(store)).toBe("ghij");
    await store.navigation.showLabelled(true);
    expect(shownClips(store)).toBe("abcd");
    await store.navigation.openSimilar("f");
    expect(kernel.lastRequest("similar")).toMatchObject({ labelled: true });
    expect(kernel.traits.get("place")).toMatchObject({ labelled: true });
  });
});

describe("similar clips", () => {
  it("lead back to the page and the clip where they were opened, one by one", async () => {
    const { store, view } = await openStore();
    await store.lists.next();
    await store.navigation.openSimilar("g");
    expect(store.navigation.similarTo.value).toBe("g");
    await store.navigation.openSimilar("b");
    await store.navigation.leaveSimilar();
    expect(store.navigation.similarTo.value).toBe("g");
    await store.navigation.leaveSimilar();
    expect(store.navigation.similarTo.value).toBe("");
    expect(shownClips(store)).toBe("efgh");
    view.restart();
    expect(view.clip.value).toBe("g");
    await store.navigation.leaveSimilar(); // there is nothing to go back to
    expect(shownClips(store)).toBe("efgh");
    await store.lists.next();
    expect(shownClips(store)).toBe("ijkl");
  });

  it("are alike by look, by motion or by both, as was chosen last", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openSimilar("g");
    expect(kernel.lastRequest("similar")).toMatchObject({ clip: "g", by: "look" });
    await store.navigation.showLikeness("motion");
    expect(kernel.lastRequest("similar")).toMatchObject({ clip: "g", by: "motion" });
    expect(store.navigation.similarTo.value).toBe("g");
    await store.navigation.leaveSimilar();
    await store.navigation.openSimilar("b");
    expect(kernel.lastRequest("similar")).toMatchObject({ clip: "b", by: "motion" });
    expect(kernel.traits.get("place")).toMatchObject({ likeness: "motion" });
  });

  it("lead back to a feed, whose page has not changed", async () => {
    const { kernel, store, view } = await openStore();
    await store.navigation.openFeed("random");
    await store.lists.next();
    await store.navigation.openSimilar("f");
    kernel.refit(9);
    await store.navigation.leaveSimilar();
    expect(store.state.viewState.value.tab).toBe("feeds");
    expect(shownClips(store)).toBe("efgh");
    view.restart();
    expect(view.clip.value).toBe("f");
    await store.navigation.openTab("search");
    expect(shownClips(store)).toBe("abcd");
  });
});

describe("a feed", () => {
  it("requests a page's filmstrips before the next page", async () => {
    const kernel = new ClipKernel();
    await storeWithView(kernel).connection.open(4);
    const order = kernel.requests.map((message) => message.type).filter((type) => type !== "hello");
    expect(order.slice(0, 3)).toEqual(["feed", "filmstrips", "feed"]);
  });

  it("that the session does not have is not opened", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openFeed("dance");
    expect(kernel.lastRequest("feed")).toBeUndefined();
  });
});

describe("the review of one annotator", () => {
  it("requests their labels, also further chunks, and ends with the concept", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openReview({ annotator: "jo" });
    expect(kernel.lastRequest("review")).toMatchObject({ annotator: "jo", value: "all" });
    expect(store.navigation.annotators.value).toEqual(["jo", "kelli"]);
    store.lists.review.content.value = {
      ...store.lists.review.content.value,
      clips: Array.from({ length: 99 }, String),
    };
    store.lists.review.load(70, 80);
    await settle();
    expect(kernel.lastRequest("reviewed")).toMatchObject({ annotator: "jo" });
    await store.concept.switchTo("rain");
    expect(store.state.viewState.value.annotator).toBe("");
  });
});

describe("a selection", () => {
  const clips = ["k", "a", "t", "b", "c", "d"];
  const show = (kernel: ClipKernel, title = "on the map") =>
    kernel.deliver({ v: 1, event: "show", data: { selection: { title, clips }, status: kernel.status } });

  it("opens in the search tab, page by page, in its own order", async () => {
    const { kernel, store } = await openStore();
    await store.navigation.openTab("feeds");
    show(kernel);
    await settle();
    expect(store.state.viewState.value.tab).toBe("search");
    expect(shownClips(store)).toBe("katb");
    expect(store.navigation.selection.value?.title).toBe("on the map");
    await store.lists.next();
    expect(shownClips(store)).toBe("cd");
    await settle();
    await store.lists.next();
    expect(shownClips(store)).toBe("cd"); // the last page
    await store.labelling.label(["c"], "yes");
    expect(kernel.lastRequest("label")).toMatchObject({ source: "selection" });
  });

  it("stays until the user searches", async () => {
    const { kernel, store } = await openStore();
    show(kernel);
    await settle();
    await store.navigation.openTab("feeds");
    await store.navigation.openTab("search");
    expect(shownClips(store)).toBe("katb");
    await store.navigation.openSearch("rain");
    expect(store.navigation.selection.value).toBeNull();
    expect(shownClips(store)).toBe("abcd");
  });

  it("made before the page was opened is shown first", async () => {
    const kernel = new ClipKernel();
    kernel.selection = { title: "on the map", clips };
    const store = storeWithView(kernel);
    await store.connection.open(4);
    expect(shownClips(store)).toBe("katb");
  });
});
