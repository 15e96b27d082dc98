import { describe, expect, it } from "vitest";
import events from "../../tests/protocol_cases/events.json";
import replies from "../../tests/protocol_cases/replies.json";
import { readPlace, Store, View } from "../src/state";
import { Kernel, settle } from "./kernel";

const CARD = replies.find((reply) => reply.type === "similar")?.result.cards?.[0] as object;
const cards = (...clips: string[]) => clips.map((clip) => ({ ...CARD, clip }));

// A kernel with clips a, b, c, … that never shows what is to be left out.
function shop(): Kernel {
  const kernel = new Kernel();
  const golden = kernel.answer;
  const every = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i));
  kernel.answer = (message) => {
    const reply = golden(message) as { result: object };
    const { exclude, k, clips, value } = message as unknown as {
      exclude: string[];
      k: number;
      clips: string[];
      value: string;
    };
    if (message.type === "feed") {
      const left = every.filter((clip) => !exclude.includes(clip)).slice(0, k);
      return { ...reply, result: { cards: cards(...left), version: 3 } };
    }
    if (message.type === "search")
      return { ...reply, result: { ...reply.result, cards: cards(...every.slice(0, k)) } };
    if (message.type === "label") {
      const shown = value === "none" ? null : value;
      return {
        ...reply,
        result: { ...reply.result, labels: Object.fromEntries(clips.map((clip) => [clip, shown])) },
      };
    }
    return reply;
  };
  return kernel;
}

async function opened(kernel = shop(), perPage = 4): Promise<{ kernel: Kernel; store: Store; view: View }> {
  const store = new Store(kernel);
  await store.open(perPage);
  return { kernel, store, view: new View(store) };
}

const shown = (store: Store) => store.cards.value.map((card) => card.clip).join("");

describe("opening", () => {
  it("searches for the concept at first, and comes back to where it was", async () => {
    const { kernel, store } = await opened();
    expect(kernel.last("search")).toMatchObject({ text: "“night” 🌙", k: 4 });
    await store.feed("borderline");
    const again = new Store(kernel);
    await again.open(4);
    expect(again.place.value).toMatchObject({ tab: "feeds", feed: "borderline" });
    expect(shown(again)).toBe("abcd");
  });

  it("takes nothing from a place that makes no sense", () => {
    expect(readPlace({ tab: "<b>", size: 9, feed: 3 })).toEqual({
      tab: "search",
      feed: "",
      query: "",
      size: "m",
      review: "all",
    });
    expect(readPlace(null).tab).toBe("search");
  });

  it("is asked for once, however many views there are", async () => {
    const { kernel, store } = await opened();
    await store.open(9);
    expect(kernel.asked.filter((message) => message.type === "hello")).toHaveLength(1);
  });
});

describe("labels", () => {
  it("show at once and are sent with their source", async () => {
    const { kernel, store } = await opened();
    kernel.hold = true;
    const done = store.label(["a"], "yes");
    expect(store.labels.value.get("a")).toBe("yes");
    expect(store.saving.value).toBe(1);
    kernel.release();
    await done;
    expect(store.saving.value).toBe(0);
    expect(kernel.last("label")).toMatchObject({ clips: ["a"], value: "yes", source: "search" });
  });

  it("that cannot be saved are taken back, and the reason is shown", async () => {
    const { kernel, store } = await opened();
    kernel.refuse("failed", "The disk is full.");
    await store.label(["a"], "no");
    expect(store.labels.value.get("a")).toBeNull();
    expect(store.error.value).toBe("The disk is full.");
  });

  it("given later are not overwritten by an earlier answer", async () => {
    const { kernel, store } = await opened();
    kernel.hold = true;
    const first = store.label(["a"], "yes");
    const second = store.label(["a"], "no");
    const [one] = kernel.held;
    if (one) kernel.tell(kernel.answer(one));
    await first;
    expect(store.labels.value.get("a")).toBe("no");
    kernel.held.shift();
    kernel.release();
    await second;
    expect(store.labels.value.get("a")).toBe("no");
  });

  it("go away when a pressed button is pressed again, but never by a repeated key", async () => {
    const { store, view } = await opened();
    view.label("yes");
    view.focus.value = 0;
    view.label("yes");
    await settle();
    expect(store.labels.value.get("a")).toBe("yes");
    await store.toggle("a", "yes");
    expect(store.labels.value.get("a")).toBeNull();
  });

  it("of another view come in as an event", async () => {
    const { kernel, store } = await opened();
    const golden = events.find((event) => event.event === "labels");
    kernel.tell(golden);
    expect(store.labels.value.get("ab12-00001200-00003040")).toBe("no");
  });
});

describe("pages", () => {
  it("go on without repeating, and back to what was seen", async () => {
    const { store } = await opened();
    await store.feed("random");
    await store.next();
    expect(shown(store)).toBe("efgh");
    store.previous();
    expect(shown(store)).toBe("abcd");
    await store.next();
    expect(shown(store)).toBe("efgh");
  });

  it("never change under the eyes: a refit only offers new clips", async () => {
    const { kernel, store } = await opened();
    await store.feed("random");
    expect(store.fresh.value).toBe(false);
    const refit = events.find((event) => event.event === "refit") as { data: { status: object } };
    kernel.tell({ ...refit, data: { ...refit.data, status: { ...refit.data.status, version: 4 } } });
    expect(shown(store)).toBe("abcd");
    expect(store.fresh.value).toBe(true);
    await store.next();
    expect(kernel.last("feed")).toMatchObject({ exclude: ["a", "b", "c", "d"] });
  });

  it("of an earlier wish are dropped when they come late", async () => {
    const { kernel, store } = await opened();
    kernel.hold = true;
    const slow = store.feed("random");
    const fast = store.feed("borderline");
    kernel.held.reverse();
    kernel.release();
    await Promise.all([slow, fast]);
    expect(store.deck.value.source).toBe("borderline");
    expect(store.deck.value.pages).toHaveLength(1);
  });
});

describe("Enter", () => {
  it("asks once, then labels the rest of the page no and goes on", async () => {
    const { kernel, store, view } = await opened();
    await store.feed("random");
    view.label("yes");
    view.enter();
    expect(view.asking.value).toBe(true);
    expect(kernel.last("label")).toMatchObject({ clips: ["a"] });
    view.enter();
    await settle();
    expect(kernel.last("label")).toMatchObject({ clips: ["b", "c", "d"], value: "no", source: "random" });
    expect(shown(store)).toBe("efgh");
    view.enter();
    await settle();
    expect(kernel.last("label")).toMatchObject({ clips: ["e", "f", "g", "h"] });
  });
});

describe("the keyboard's card", () => {
  it("goes on after a label and stays on the last one", async () => {
    const { view } = await opened();
    for (const value of ["yes", "no", "unsure", "yes", "yes"] as const) view.label(value);
    expect(view.focus.value).toBe(3);
  });

  it("labels a whole range", async () => {
    const { kernel, view } = await opened();
    view.columns.value = 2;
    view.move("down", true);
    view.label("no");
    expect(kernel.last("label")).toMatchObject({ clips: ["a", "b", "c"], value: "no" });
    expect(view.selected.value.size).toBe(0);
    expect(view.focus.value).toBe(3);
  });
});
