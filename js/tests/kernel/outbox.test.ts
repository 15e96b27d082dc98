import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Store } from "../../src/annotator/store";
import { mustWait } from "../../src/kernel/outbox";
import { settle } from "../goldenKernel";
import { ClipKernel, openStore } from "../testStore";

const label = (clips: string, concept = "night") =>
  ({ type: "label", concept, clips: [...clips], value: "yes", source: "s" }) as const;
const remark = (clip: string) => ({ type: "remark", concept: "night", clip, note: "x", tags: [] }) as const;
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
    [remark("a"), label("a"), false],
    [undo, remark("a"), false],
    [remark("a"), remark("a"), true],
    [remark("a"), remark("b"), false],
  ])("%j after %j: waits %s", (later, earlier, waits) => {
    expect(mustWait(later, earlier)).toBe(waits);
  });

  it("is kept for a clip", async () => {
    const { kernel, store } = await openStore();
    kernel.hold = true;
    void store.labelling.label(["a"], "yes");
    void store.labelling.label(["a"], "no");
    void store.labelling.label(["b"], "yes");
    void store.labelling.step("undo");
    const sent = () => kernel.held.map(({ type, clips, value }) => [type, clips, value].join(" ").trim());
    expect(sent()).toEqual(["label a yes", "label b yes"]); // the other two wait
    kernel.release();
    await settle();
    expect(kernel.stored.get("a")).toBe("no");
    expect(kernel.lastRequest("undo")).toBeDefined();
    expect(store.labels.unsavedCount.value).toBe(0);
  });
});

describe("unsaved labels", () => {
  it("are known until they are acknowledged", async () => {
    const { kernel, store } = await openStore();
    kernel.hold = true;
    const done = store.labelling.label(["a", "b"], "yes");
    expect([...store.labels.unsaved.value]).toEqual(["a", "b"]);
    kernel.release();
    await done;
    expect(store.labels.unsaved.value.size).toBe(0);
  });

  it("are sent again if there is no reply, and stay shown meanwhile", async () => {
    const { kernel, store } = await openStore();
    vi.useFakeTimers();
    kernel.hold = true;
    const done = store.labelling.label(["a"], "yes");
    kernel.held = []; // lost
    kernel.deliver({ v: 1, event: "labels", data: { labels: { a: "no" }, status: kernel.status } });
    expect(store.labels.get("a")).toBe("yes");
    kernel.hold = false;
    vi.advanceTimersByTime(5_000);
    await done;
    expect(kernel.stored.get("a")).toBe("yes");
  });

  it("survive a reload of the page and are sent under their former ids", async () => {
    const { kernel, store } = await openStore();
    kernel.hold = true;
    void store.labelling.label(["a"], "yes");
    void store.labelling.label(["b"], "no");
    const ids = kernel.held.map((message) => message.id);
    store.close();
    const again = new ClipKernel();
    again.traits.set("place", { tab: "search" });
    const reloaded = new Store(again);
    await reloaded.connection.open(4);
    await settle();
    expect(again.requests.filter(({ type }) => type === "label").map(({ id }) => id)).toEqual(ids);
    expect(Object.fromEntries(again.stored)).toEqual({ a: "yes", b: "no" });
    expect(Object.keys(sessionStorage).filter((key) => key.startsWith("va-widgets:"))).toEqual([]);
  });

  it("wait while the label store is missing, and are saved in their order when it is back", async () => {
    const { kernel, store } = await openStore();
    vi.useFakeTimers();
    const saving = kernel.reply;
    const sent = () => kernel.requests.filter(({ type }) => type === "label" || type === "undo").length;
    kernel.refuse("not_saved", "The labels' file is gone: put it back.");
    const { labelling } = store;
    const all = [
      labelling.label(["a"], "yes"),
      labelling.label(["b"], "no"),
      labelling.label(["a"], "unsure"),
    ];
    await vi.advanceTimersByTimeAsync(0);
    expect(store.outbox.saveError.value).toBe("The labels' file is gone: put it back.");
    expect(store.state.error.value).toBe(""); // the header shows it, with the number of unsaved changes
    expect(store.labels.unsavedCount.value).toBe(3);
    expect([store.labels.get("a"), store.labels.get("b")]).toEqual(["unsure", "no"]);
    const before = sent();
    all.push(labelling.label(["c"], "yes"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent() - before).toBeLessThan(8); // only the oldest is sent again, less and less often
    kernel.reply = saving;
    await vi.advanceTimersByTimeAsync(30_000);
    await Promise.all(all);
    expect(Object.fromEntries(kernel.stored)).toEqual({ a: "unsure", b: "no", c: "yes" });
    expect([store.labels.unsavedCount.value, store.outbox.saveError.value]).toEqual([0, ""]);
  });

  it("that could not be saved survive a reload", async () => {
    const { kernel, store } = await openStore();
    kernel.refuse("not_saved", "The disk is full.");
    void store.labelling.label(["a"], "yes");
    await settle();
    store.close();
    const again = new ClipKernel();
    again.traits.set("place", { tab: "search" });
    await new Store(again).connection.open(4);
    await settle();
    expect(Object.fromEntries(again.stored)).toEqual({ a: "yes" });
  });
});

it("500 labels by key repeat are all saved, in whatever order the kernel replies", async () => {
  const { kernel, store } = await openStore(new ClipKernel(), 20);
  kernel.hold = true;
  const expected = new Map<string, string>();
  for (let i = 0; i < 500; i++) {
    const clip = store.lists.clips.value[(i * 7) % 20] ?? "";
    const value = (["yes", "no", "unsure"] as const)[(i * 5) % 3] ?? "yes";
    expected.set(clip, value);
    void store.labelling.label([clip], value);
  }
  while (store.labels.unsavedCount.value > 0) {
    const held = kernel.held.splice(0).reverse();
    for (const message of held) kernel.deliver(kernel.reply(message));
    await settle();
  }
  expect(kernel.stored).toEqual(expected);
  expect(store.labels.get("a")).toBe(expected.get("a"));
});
