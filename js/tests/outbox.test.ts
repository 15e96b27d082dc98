import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { mustWait, tabShelf } from "../src/outbox";
import { Store } from "../src/store";
import { settle } from "./kernel";
import { opened, Shop } from "./shop";

const label = (clips: string, concept = "night") =>
  ({ type: "label", concept, clips: [...clips], value: "yes", source: "s" }) as const;
const undo = { type: "undo", concept: "night" } as const;

beforeEach(() => sessionStorage.clear());
afterEach(() => vi.useRealTimers());

describe("the order of changes", () => {
  it.each([
    [label("ab"), label("cd"), false],
    [label("ab"), label("bc"), true],
    [undo, label("a"), true],
    [label("a"), undo, true],
    [label("a"), label("a", "rain"), false],
    [undo, label("a", "rain"), false],
  ])("%j after %j: waits %s", (later, earlier, waits) => {
    expect(mustWait(later, earlier)).toBe(waits);
  });

  it("is kept for a clip whatever gets lost on the way", async () => {
    const { kernel, store } = await opened();
    kernel.hold = true;
    void store.label(["a"], "yes");
    void store.label(["a"], "no");
    void store.label(["b"], "yes");
    void store.step("undo");
    const sent = () => kernel.held.map(({ type, clips, value }) => [type, clips, value].join(" ").trim());
    expect(sent()).toEqual(["label a yes", "label b yes"]); // the others wait for these
    kernel.release();
    await settle();
    expect(kernel.stored.get("a")).toBe("no");
    expect(kernel.last("undo")).toBeDefined();
    expect(store.saving.value).toBe(0);
  });
});

describe("unsaved labels", () => {
  it("are known until they are acknowledged", async () => {
    const { kernel, store } = await opened();
    kernel.hold = true;
    const done = store.label(["a", "b"], "yes");
    expect([...store.unsaved.value]).toEqual(["a", "b"]);
    kernel.release();
    await done;
    expect(store.unsaved.value.size).toBe(0);
  });

  it("are sent again after a lost connection, and stay what the person sees meanwhile", async () => {
    const { kernel, store } = await opened();
    vi.useFakeTimers();
    kernel.hold = true;
    const done = store.label(["a"], "yes");
    kernel.held = []; // swallowed
    kernel.tell({ v: 1, event: "labels", data: { labels: { a: "no" }, status: kernel.status } });
    expect(store.labels.value.get("a")).toBe("yes");
    kernel.hold = false;
    vi.advanceTimersByTime(5_000);
    await done;
    expect(kernel.stored.get("a")).toBe("yes");
  });

  it("outlive a reload of the page, and go under their former ids", async () => {
    const { kernel, store } = await opened();
    kernel.hold = true;
    void store.label(["a"], "yes");
    void store.label(["b"], "no");
    const ids = kernel.held.map((message) => message.id);
    store.close();
    const again = new Shop();
    again.kept.set("place", { tab: "search" });
    const reloaded = new Store(again);
    await reloaded.open(4);
    await settle();
    expect(again.asked.filter(({ type }) => type === "label").map(({ id }) => id)).toEqual(ids);
    expect(Object.fromEntries(again.stored)).toEqual({ a: "yes", b: "no" });
    expect(sessionStorage.length).toBe(0);
  });

  it("wait for a label store that is gone, and are saved in their order when it is back", async () => {
    const { kernel, store } = await opened();
    vi.useFakeTimers();
    const saving = kernel.answer;
    const sent = () => kernel.asked.filter(({ type }) => type === "label" || type === "undo").length;
    kernel.refuse("not_saved", "The labels' file is gone: put it back.");
    const all = [store.label(["a"], "yes"), store.label(["b"], "no"), store.label(["a"], "unsure")];
    await vi.advanceTimersByTimeAsync(0);
    expect(store.outbox.unsavable.value).toBe("The labels' file is gone: put it back.");
    expect(store.error.value).toBe(""); // the header says it, with how many wait
    expect(store.saving.value).toBe(3);
    expect([store.labels.value.get("a"), store.labels.value.get("b")]).toEqual(["unsure", "no"]);
    const before = sent();
    all.push(store.label(["c"], "yes"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent() - before).toBeLessThan(8); // one alone asks whether they can be saved again, ever more rarely
    kernel.answer = saving;
    await vi.advanceTimersByTimeAsync(30_000);
    await Promise.all(all);
    expect(Object.fromEntries(kernel.stored)).toEqual({ a: "unsure", b: "no", c: "yes" });
    expect([store.saving.value, store.outbox.unsavable.value]).toEqual([0, ""]);
  });

  it("that could not be saved outlive a reload", async () => {
    const { kernel, store } = await opened();
    kernel.refuse("not_saved", "The disk is full.");
    void store.label(["a"], "yes");
    await settle();
    store.close();
    const again = new Shop();
    again.kept.set("place", { tab: "search" });
    await new Store(again).open(4);
    await settle();
    expect(Object.fromEntries(again.stored)).toEqual({ a: "yes" });
  });

  it("of another annotator or corpus stay where they are", () => {
    tabShelf("c1", "kelli", "r1").put([{ id: "1", change: label("a") }]);
    expect(tabShelf("c2", "kelli", "r2").take()).toEqual([]);
    expect(tabShelf("c1", "jo", "r2").take()).toEqual([]);
    expect(tabShelf("c1", "kelli", "r2").take()).toHaveLength(1);
  });

  it("are not read from what makes no sense", () => {
    sessionStorage.setItem("va-widgets:c:k:1", "{");
    sessionStorage.setItem("va-widgets:c:k:2", '[{"id": 3}, null, {"id": "a", "change": {"concept": "x"}}]');
    expect(tabShelf("c", "k", "r").take()).toEqual([]);
  });
});

it("500 labels by key repeat are all saved, in what order ever the kernel answers", async () => {
  const { kernel, store } = await opened(new Shop(), 20);
  kernel.hold = true;
  const expected = new Map<string, string>();
  for (let i = 0; i < 500; i++) {
    const clip = store.clips.value[(i * 7) % 20] ?? "";
    const value = (["yes", "no", "unsure"] as const)[(i * 5) % 3] ?? "yes";
    expected.set(clip, value);
    void store.label([clip], value);
  }
  while (store.saving.value > 0) {
    const held = kernel.held.splice(0).reverse();
    for (const message of held) kernel.tell(kernel.answer(message));
    await settle();
  }
  expect(kernel.stored).toEqual(expected);
  expect(store.labels.value.get("a")).toBe(expected.get("a"));
});
