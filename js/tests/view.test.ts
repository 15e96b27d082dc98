import { beforeEach, describe, expect, it } from "vitest";
import { View } from "../src/view";
import { settle } from "./kernel";
import { opened, shown } from "./shop";

beforeEach(() => sessionStorage.clear());

describe("the rest of the page", () => {
  it("is asked about once, then labelled no", async () => {
    const { kernel, store, view } = await opened();
    await store.openFeed("random");
    view.label("yes");
    view.enter();
    expect(view.asking.value).toBe(true);
    expect(kernel.last("label")).toMatchObject({ clips: ["a"] });
    view.enter();
    await settle();
    expect(kernel.last("label")).toMatchObject({ clips: ["b", "c", "d"], value: "no", source: "random" });
    expect(shown(store)).toBe("efgh");
    new View(store).enter(); // in any view: the answer is the person's
    await settle();
    expect(kernel.last("label")).toMatchObject({ clips: ["e", "f", "g", "h"] });
  });

  it("may stay without labels, and is never meant in review", async () => {
    const { kernel, store, view } = await opened();
    await store.openFeed("random");
    view.enter();
    view.skip();
    await settle();
    expect(shown(store)).toBe("efgh");
    await store.openReview({});
    view.enter();
    expect(view.asking.value).toBe(false);
    expect(kernel.last("label")).toBeUndefined();
  });
});

describe("the keyboard's card", () => {
  it("goes on after a label and stays on the last one", async () => {
    const { view } = await opened();
    for (const value of ["yes", "no", "unsure", "yes", "yes"] as const) view.label(value);
    expect(view.focus.value).toBe(3);
  });

  it("goes back to what an undo has changed", async () => {
    const { kernel, view } = await opened();
    view.focus.value = 3;
    const golden = kernel.answer;
    kernel.answer = (message) => {
      const reply = golden(message) as { result: object };
      return message.type === "undo" ? { ...reply, result: { ...reply.result, labels: { b: null } } } : reply;
    };
    await view.step("undo");
    expect(view.focus.value).toBe(1);
  });

  it("stays when a label is taken back", async () => {
    const { kernel, view } = await opened();
    view.label(null);
    expect(kernel.last("label")).toMatchObject({ clips: ["a"], value: "none" });
    expect(view.focus.value).toBe(0);
  });
});

describe("a selection", () => {
  it("by range is labelled as one action", async () => {
    const { kernel, view } = await opened();
    view.columns.value = 2;
    view.move("down", true);
    view.label("no");
    expect(kernel.last("label")).toMatchObject({ clips: ["a", "b", "c"], value: "no" });
    expect(view.selected.value.size).toBe(0);
    expect(view.focus.value).toBe(3);
  });

  it("one by one is labelled by a card's own button too", async () => {
    const { kernel, view } = await opened();
    view.toggle(0);
    view.toggle(2);
    view.toggle(3);
    view.toggle(3);
    view.press(2, "yes");
    expect(kernel.last("label")).toMatchObject({ clips: ["a", "c"], value: "yes" });
    view.toggle(0);
    view.press(1, "no"); // not part of the selection
    expect(kernel.last("label")).toMatchObject({ clips: ["b"], value: "no" });
  });

  it("ends with a plain move", async () => {
    const { view } = await opened();
    view.toggle(0);
    view.move("right", true);
    expect([...view.selected.value]).toEqual([0, 1]);
    view.move("right", false);
    expect(view.selected.value.size).toBe(0);
  });
});

it("Escape closes the topmost thing, and is the notebook's when nothing is open", async () => {
  const { view } = await opened();
  view.playing.value = true;
  view.help.value = true;
  view.toggle(1);
  expect(view.escape()).toBe(true);
  expect([view.help.value, view.playing.value]).toEqual([false, true]);
  expect(view.escape()).toBe(true);
  expect(view.escape()).toBe(true);
  expect(view.selected.value.size).toBe(0);
  expect(view.escape()).toBe(false);
});

it("the player plays at four speeds", async () => {
  const { view } = await opened();
  const rates = [-1, -1, 1, 1, 1, 1].map((steps) => {
    view.faster(steps);
    return view.rate.value;
  });
  expect(rates).toEqual([0.5, 0.5, 1, 1.5, 2, 2]);
});
