// The explorer's store with a kernel that finds the clips a, b, c, … for every query but a wrong one.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import explorerReplies from "../../../tests/protocol_cases/explorer_replies.json";
import { ExplorerStore } from "../../src/explorer/store";
import { ExplorerView } from "../../src/explorer/view";
import { readExplorerViewState } from "../../src/explorer/viewState";
import { GoldenKernel, settle } from "../goldenKernel";

const goldenResult = (type: string) =>
  explorerReplies.find((reply) => reply.type === type)?.result as Record<string, unknown>;
const HIT = (goldenResult("hits").hits as object[])[0] as object;
const FAULT = goldenResult("draft").fault;
const CLIPS = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i));

interface Asked {
  readonly type: string;
  readonly text: string;
  readonly k: number;
  readonly offset: number;
}

class QueryKernel extends GoldenKernel {
  changes: Record<string, object> = {}; // of the golden results, by type

  constructor() {
    super();
    const golden = this.reply;
    this.reply = (message) => {
      const reply = golden(message) as { result: object };
      const own = this.ownResult(message as unknown as Asked);
      return { ...reply, result: { ...reply.result, ...own, ...this.changes[message.type] } };
    };
  }

  private ownResult({ type, text, k, offset }: Asked): object {
    const isWrong = text?.includes("nihgt");
    if (type === "hits" && isWrong) return { hits: [], count: 0, fault: FAULT };
    if (type === "hits") {
      const hits = CLIPS.slice(offset, offset + k).map((clip) => ({ ...HIT, clip }));
      return { hits, count: CLIPS.length };
    }
    return type === "draft" ? { fault: isWrong ? FAULT : null, count: CLIPS.length } : {};
  }
}

async function openExplorer(explored: object = {}, change = (_kernel: QueryKernel) => {}) {
  const kernel = new QueryKernel();
  kernel.set("explored", explored);
  change(kernel);
  const store = new ExplorerStore(kernel);
  store.attach();
  await store.open(4);
  await settle();
  return { kernel, store, view: new ExplorerView(store) };
}

const shown = (store: ExplorerStore) => store.hits.clips.value.join("");

describe("the explorer", () => {
  it("opens with what was looked at last, and with every clip at first", async () => {
    const first = await openExplorer();
    expect(first.kernel.lastRequest("hits")).toMatchObject({ text: "", order: "best", k: 4 });
    const { kernel, store } = await openExplorer({ query: "night", column: "genre", values: ["noir"] });
    expect(kernel.requests.map(({ type }) => type).slice(0, 2)).toEqual(["catalogue", "hits"]);
    expect(kernel.requests[1]).toMatchObject({ text: "night", column: "genre", values: ["noir"], offset: 0 });
    expect(shown(store)).toBe("abcd");
    expect(store.hits.histograms.value).toHaveLength(2);
  });

  it("goes through the pages, and tells where it is", async () => {
    const { store } = await openExplorer({ query: "night" });
    await store.hits.list.next();
    expect([shown(store), store.hits.first.value]).toEqual(["efgh", 5]);
    store.hits.list.previous();
    expect([shown(store), store.hits.first.value]).toEqual(["abcd", 1]);
  });

  it("keeps what it shows where the query is wrong", async () => {
    const { kernel, store } = await openExplorer({ query: "night" });
    await store.hits.list.next();
    store.draft.type("nihgt", 5);
    expect(await store.hits.run()).toBe(false);
    expect(shown(store)).toBe("efgh");
    expect(store.draft.fault.value).toEqual(FAULT);
    expect(kernel.get("explored")).toMatchObject({ query: "night" });
  });

  it("shows every clip where the query of an earlier page is wrong by now, and says why", async () => {
    const { store } = await openExplorer({ query: "nihgt" });
    expect(shown(store)).toBe("abcd");
    expect(store.draft.text.value).toBe("nihgt");
    expect(store.draft.fault.value).toEqual(FAULT);
  });

  it("shows the answer to the latest question alone", async () => {
    const { kernel, store } = await openExplorer();
    kernel.hold = true;
    const earlier = store.hits.run({ query: "rain" });
    const later = store.hits.run({ query: "night" });
    kernel.held.reverse();
    kernel.release();
    expect(await Promise.all([earlier, later])).toEqual([false, true]);
    expect(store.state.viewState.value.query).toBe("night");
  });

  it("asks with what is typed when a value is chosen", async () => {
    const { kernel, store } = await openExplorer({ query: "night" });
    store.draft.type("rain", 4);
    await store.hits.run({ column: "genre", values: ["noir"] });
    expect(kernel.lastRequest("hits")).toMatchObject({ text: "rain", values: ["noir"] });
    expect(kernel.get("explored")).toMatchObject({ query: "rain", column: "genre", values: ["noir"] });
  });

  it("shows the query that a notebook sets", async () => {
    const { kernel, store } = await openExplorer();
    kernel.set("explored", { query: "rain" });
    kernel.emit("change:explored");
    await settle();
    expect(kernel.lastRequest("hits")).toMatchObject({ text: "rain" });
    expect(store.draft.text.value).toBe("rain");
  });

  it("writes a threshold into the query while it is dragged, and shows its clips when it is dropped", async () => {
    const { kernel, store } = await openExplorer({ query: "night_city > 0.7 and not rain" });
    store.dragThreshold("night_city", 0.6);
    store.dragThreshold("night_city", 0.58);
    await settle();
    expect(store.draft.text.value).toBe("night_city > 0.55 and not rain");
    expect(kernel.requests.filter(({ type }) => type === "hits")).toHaveLength(2); // the first page, and one ahead
    await store.dropThreshold("night_city", 0.55);
    expect(kernel.lastRequest("threshold")).toMatchObject({ name: "night_city", value: 0.55 });
    expect(kernel.get("explored")).toMatchObject({ query: "night_city > 0.55 and not rain" });
  });

  it("saves under a name that exists only to replace it, and restores what was removed", async () => {
    const { kernel, store } = await openExplorer({ query: "night" });
    await store.save("new");
    expect(kernel.lastRequest("save")).toMatchObject({ name: "new", text: "night", replace: false });
    await store.save("dry nights");
    expect(kernel.lastRequest("save")).toMatchObject({ replace: true });
    const [query] = store.state.catalogue.value?.saved ?? [];
    if (!query) throw new Error("a query is saved");
    await store.remove(query);
    expect(store.state.catalogue.value?.saved).toEqual([]);
    await store.restore();
    expect(kernel.lastRequest("save")).toMatchObject({
      name: query.name,
      text: query.text,
      values: query.values,
    });
    expect(store.removed.value).toBe(null);
  });

  it("opens the annotator in its place, comes back, and asks what was published there", async () => {
    const { kernel, store, view } = await openExplorer({ query: "night" });
    view.cards.toggle(2);
    view.cards.toggle(1);
    expect(view.selected.value).toEqual(["b", "c"]);
    expect(await store.label("dusk", view.selected.value)).toBe(true);
    expect(kernel.lastRequest("label_hits")).toMatchObject({ concept: "dusk", clips: ["b", "c"] });
    expect(kernel.get("explored")).toMatchObject({ labelling: true });
    const annotator = store.annotator.value;
    const before = kernel.requests.length;
    kernel.changes.catalogue = { models: "others" };
    await store.leaveAnnotator();
    expect(kernel.requests.slice(before).map(({ type }) => type)).toContain("hits");
    await store.label("dusk", []);
    expect(store.annotator.value).toBe(annotator); // which may hold unsaved labels
  });

  it("comes back to the annotator after a reload, unless the kernel knows none", async () => {
    const labelled = await openExplorer({ labelling: true }, (kernel) => {
      kernel.changes.catalogue = { labelling: "dusk" };
    });
    expect(labelled.store.annotator.value).not.toBe(null);
    const { store } = await openExplorer({ labelling: true });
    expect(store.annotator.value).toBe(null);
    expect(store.state.viewState.value.labelling).toBe(false);
  });

  it("shows errors, and keeps the menu where nothing was opened", async () => {
    const { kernel, store } = await openExplorer();
    kernel.refuse("bad_value", "A concept needs a name.");
    expect(await store.label(" ", [])).toBe(false);
    expect(store.state.error.value).toBe("A concept needs a name.");
    expect(await store.exportHits("csv")).toBe(null);
  });

  it("exports what is shown as a file", async () => {
    const { kernel, store } = await openExplorer({ query: "night", order: "time" });
    kernel.hold = true;
    const file = store.exportHits("edl");
    const [message] = kernel.held;
    kernel.deliver({ ...explorerReplies.find(({ type }) => type === "hits_file"), id: message?.id }, [
      new TextEncoder().encode("TITLE: night").buffer,
    ]);
    expect(message).toMatchObject({ text: "night", order: "time", format: "edl" });
    expect((await file)?.name).toBe("night_city.edl");
    expect(store.state.notice.value).toBe("57 clips in night_city.edl");
  });

  it("loads the timeline of a video once for a query", async () => {
    const { kernel, store } = await openExplorer({ query: "night" });
    await store.timeline.load("c1", "reel-0001.mp4");
    await store.timeline.load("c2", "reel-0001.mp4");
    expect(kernel.requests.filter(({ type }) => type === "timeline")).toHaveLength(1);
    await store.hits.run({ query: "rain" });
    await store.timeline.load("c2", "reel-0001.mp4");
    expect(kernel.requests.filter(({ type }) => type === "timeline")).toHaveLength(2);
  });

  it("plays another clip of a timeline, and the one that a notebook sets", async () => {
    const { kernel, store } = await openExplorer();
    store.showClip("c2");
    expect(kernel.get("clip")).toBe("c2");
    kernel.set("clip", "c1");
    kernel.emit("change:clip");
    expect(store.clip.value).toBe("c1");
  });

  it("ends without listeners", async () => {
    const { kernel, store } = await openExplorer();
    await store.label("dusk", []);
    store.close();
    expect(kernel.listenerCount).toBe(0);
  });

  it("takes only what makes sense of a saved view state", () => {
    const state = readExplorerViewState({
      query: 3,
      values: ["a", 1],
      order: "random",
      size: -1,
      keys: { next: "j" },
    });
    expect(state).toMatchObject({ query: "", values: ["a"], order: "best", size: 264, keys: { next: "j" } });
    expect(readExplorerViewState(null).labelling).toBe(false);
  });
});

describe("the query as it is typed", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const type = async (store: ExplorerStore, text: string) => {
    store.draft.type(text, text.length);
    await vi.advanceTimersByTimeAsync(200);
  };
  const open = async () => {
    const kernel = new QueryKernel();
    const store = new ExplorerStore(kernel);
    return { kernel, store };
  };

  it("is counted after a pause, and once for many keys", async () => {
    const { kernel, store } = await open();
    for (const text of ["n", "ni", "nig"]) store.draft.type(text, text.length);
    await vi.advanceTimersByTimeAsync(200);
    expect(kernel.requests.map(({ type, text }) => [type, text])).toEqual([["draft", "nig"]]);
    expect(store.draft.count.value).toBe(20);
    expect(store.draft.completions.value.names.map(({ name }) => name)).toEqual(["rain"]);
  });

  it("asks one question at a time, and then the latest", async () => {
    const { kernel, store } = await open();
    kernel.hold = true;
    await type(store, "n");
    await type(store, "ni");
    await type(store, "nig");
    expect(kernel.requests).toHaveLength(1);
    kernel.release();
    await vi.advanceTimersByTimeAsync(0);
    expect(kernel.requests.map(({ text }) => text)).toEqual(["n", "nig"]);
  });

  it("takes a completion over, and the name that was meant", async () => {
    const { store } = await open();
    await type(store, "night_city > 0.7 and ra");
    const [name] = store.draft.completions.value.names;
    if (!name) throw new Error("a name is offered");
    expect(store.draft.accept(name)).toBe(25);
    expect(store.draft.text.value).toBe("night_city > 0.7 and rain");
    expect(store.draft.closeCompletions()).toBe(false); // accepted names close the list
    await type(store, "nihgt or 🌙 and aaaaa ra > 1");
    store.draft.correct();
    expect(store.draft.text.value).toBe("nihgt or 🌙 and aaaaa rain > 1");
  });
});
