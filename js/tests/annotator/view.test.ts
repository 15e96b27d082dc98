import { beforeEach, describe, expect, it } from "vitest";
import { View } from "../../src/annotator/view";
import { settle } from "../goldenKernel";
import { openStore, shownClips } from "../testStore";

beforeEach(() => sessionStorage.clear());

describe("the rest of the page", () => {
  it("is labelled no, after the user has confirmed once", async () => {
    const { kernel, store, view } = await openStore();
    await store.navigation.openFeed("random");
    view.label("yes");
    view.labelRest();
    expect(view.confirmingRest.value).toBe(true);
    expect(kernel.lastRequest("label")).toMatchObject({ clips: ["a"] });
    view.labelRest();
    await settle();
    expect(kernel.lastRequest("label")).toMatchObject({
      clips: ["b", "c", "d"],
      value: "no",
      source: "random",
    });
    expect(shownClips(store)).toBe("efgh");
    new View(store).labelRest(); // the confirmation holds for all views
    await settle();
    expect(kernel.lastRequest("label")).toMatchObject({ clips: ["e", "f", "g", "h"] });
  });

  it("may stay without labels, and is never labelled in review", async () => {
    const { kernel, store, view } = await openStore();
    await store.navigation.openFeed("random");
    view.labelRest();
    view.nextPage();
    await settle();
    expect(shownClips(store)).toBe("efgh");
    await store.navigation.openReview({});
    view.labelRest();
    expect(view.confirmingRest.value).toBe(false);
    expect(kernel.lastRequest("label")).toBeUndefined();
  });
});

describe("the focused card", () => {
  it("moves on after a label and stays on the last card", async () => {
    const { view } = await openStore();
    for (const value of ["yes", "no", "unsure", "yes", "yes"] as const) view.label(value);
    expect(view.cards.focus.value).toBe(3);
  });

  it("becomes the card that an undo has changed", async () => {
    const { kernel, view } = await openStore();
    view.cards.focus.value = 3;
    const golden = kernel.reply;
    kernel.reply = (message) => {
      const reply = golden(message) as { result: object };
      return message.type === "undo" ? { ...reply, result: { ...reply.result, labels: { b: null } } } : reply;
    };
    await view.step("undo");
    expect(view.cards.focus.value).toBe(1);
  });

  it("stays the same when a label is taken back", async () => {
    const { kernel, view } = await openStore();
    view.label(null);
    expect(kernel.lastRequest("label")).toMatchObject({ clips: ["a"], value: "none" });
    expect(view.cards.focus.value).toBe(0);
  });
});

describe("selected cards", () => {
  it("of a range are labelled as one action", async () => {
    const { kernel, view } = await openStore();
    view.cards.columns.value = 2;
    view.cards.moveFocus("down", true, 4);
    view.label("no");
    expect(kernel.lastRequest("label")).toMatchObject({ clips: ["a", "b", "c"], value: "no" });
    expect(view.cards.selected.value.size).toBe(0);
    expect(view.cards.focus.value).toBe(3);
  });

  it("one by one are labelled by the button of one of them, too", async () => {
    const { kernel, view } = await openStore();
    view.cards.toggle(0);
    view.cards.toggle(2);
    view.cards.toggle(3);
    view.cards.toggle(3);
    view.pressLabel(2, "yes");
    expect(kernel.lastRequest("label")).toMatchObject({ clips: ["a", "c"], value: "yes" });
    view.cards.toggle(0);
    view.pressLabel(1, "no"); // not part of the selection
    expect(kernel.lastRequest("label")).toMatchObject({ clips: ["b"], value: "no" });
  });

  it("are deselected by a plain move", async () => {
    const { view } = await openStore();
    view.cards.toggle(0);
    view.cards.moveFocus("right", true, 4);
    expect([...view.cards.selected.value]).toEqual([0, 1]);
    view.cards.moveFocus("right", false, 4);
    expect(view.cards.selected.value.size).toBe(0);
  });
});

it("Escape closes what is topmost, and is left to the notebook if nothing is open", async () => {
  const { view } = await openStore();
  view.player.open.value = true;
  view.helpOpen.value = true;
  view.cards.toggle(1);
  expect(view.escape()).toBe(true);
  expect([view.helpOpen.value, view.player.open.value]).toEqual([false, true]);
  expect(view.escape()).toBe(true);
  expect(view.escape()).toBe(true);
  expect(view.cards.selected.value.size).toBe(0);
  expect(view.escape()).toBe(false);
});

it("the player plays at four speeds", async () => {
  const { view } = await openStore();
  const rates = [-1, -1, 1, 1, 1, 1].map((steps) => {
    view.player.changeRate(steps);
    return view.player.rate.value;
  });
  expect(rates).toEqual([0.5, 0.5, 1, 1.5, 2, 2]);
});
