import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { settle } from "../goldenKernel";
import { openStore, shownClips } from "../testStore";

beforeEach(() => sessionStorage.clear());

describe("the rest of the page", () => {
  it("is labelled no by its own command, which stays on the page and names the way back", async () => {
    const { kernel, store, view } = await openStore();
    await store.navigation.openFeed("random");
    view.label("yes");
    expect(view.rest.value).toEqual(["b", "c", "d"]);
    view.labelRest();
    await settle();
    expect(kernel.lastRequest("label")).toMatchObject({
      clips: ["b", "c", "d"],
      value: "no",
      source: "random",
    });
    expect(shownClips(store)).toBe("abcd");
    expect(store.state.notice.value).toBe("3 labelled no · Z takes it back");
    expect(view.pageDone.value).toBe(true);
    view.label("yes"); // one key too many
    view.labelRest(); // nothing is left
    expect(kernel.requests.filter(({ type }) => type === "label")).toHaveLength(2);
  });

  it.each(["top_positive", "search"])("is asked for each time in %s", async (place) => {
    const { kernel, store, view } = await openStore();
    if (place !== "search") await store.navigation.openFeed(place);
    for (const clips of ["abcd", "efgh"]) {
      if (shownClips(store) !== clips) view.nextPage();
      await settle();
      view.labelRest();
      await settle();
      expect(view.confirmingRest.value).toBe(true);
      expect(store.labels.get(clips[0] ?? "")).toBeNull();
      if (clips === "efgh") break;
      view.labelRest();
      await settle();
      expect(kernel.lastRequest("label")).toMatchObject({ clips: [...clips], value: "no" });
    }
    view.leavePage();
    expect(view.confirmingRest.value).toBe(false);
    view.leavePage(); // paging is no answer to the question
    await settle();
    expect(kernel.lastRequest("label")).toMatchObject({ clips: ["a", "b", "c", "d"] });
  });

  it("is never labelled by paging", async () => {
    const { kernel, store, view } = await openStore();
    await store.navigation.openFeed("random");
    view.leavePage();
    await settle();
    expect(shownClips(store)).toBe("abcd");
    expect(view.leavingRest.value).toBe(true);
    view.leavePage();
    await settle();
    expect(shownClips(store)).toBe("efgh");
    for (let i = 0; i < 4; i++) view.label("yes");
    const labels = kernel.requests.filter(({ type }) => type === "label").length;
    view.leavePage(); // all have labels: once is enough
    await settle();
    expect(shownClips(store)).toBe("ijkl");
    expect(kernel.requests.filter(({ type }) => type === "label")).toHaveLength(labels);
  });

  it("is never labelled in review", async () => {
    const { kernel, store, view } = await openStore();
    await store.navigation.openReview({});
    view.labelRest();
    expect(view.confirmingRest.value).toBe(false);
    expect(kernel.lastRequest("label")).toBeUndefined();
  });
});

describe("a page that turns by itself", () => {
  async function openTurning() {
    const opened = await openStore();
    opened.store.state.updateViewState({ turns: true });
    await opened.store.navigation.openFeed("random");
    vi.useFakeTimers({ toFake: ["performance"] });
    return opened;
  }
  afterEach(() => vi.useRealTimers());

  it("opens the next one with its last label, and takes no hurried key for that one", async () => {
    const { kernel, store, view } = await openTurning();
    view.label("no");
    view.cards.focusCard(0);
    for (const value of ["yes", "no", "no", "yes"] as const) view.label(value);
    expect(shownClips(store)).toBe("efgh");
    view.restart(); // as the page does for every list
    expect([view.cards.focus.value, view.cards.past.value]).toEqual([0, false]);
    view.label("yes"); // a finger that bounces
    view.labelRest();
    view.leavePage();
    expect(view.leavingRest.value).toBe(false);
    await settle();
    expect(kernel.requests.filter(({ type }) => type === "label")).toHaveLength(5);
    vi.advanceTimersByTime(400);
    view.label("yes");
    view.labelRest();
    expect(store.labels.get("h")).toBe("no");
    await vi.waitFor(() => expect(shownClips(store)).toBe("ijkl"));
  });

  it("stays when a label is changed on a page that was done, or given by the pointer", async () => {
    const { store, view } = await openTurning();
    for (let index = 0; index < 4; index++) view.pressLabel(index, "yes");
    expect(shownClips(store)).toBe("abcd");
    view.label("no");
    expect(shownClips(store)).toBe("abcd");
  });
});

describe("the focused card", () => {
  it("moves on after a label and stays on the last card, which one label too many does not change", async () => {
    const { kernel, store, view } = await openStore();
    for (const value of ["yes", "no", "unsure", "yes", "no", "no"] as const) view.label(value);
    expect(view.cards.focus.value).toBe(3);
    await settle();
    expect(store.labels.get("d")).toBe("yes");
    expect(kernel.requests.filter(({ type }) => type === "label")).toHaveLength(4);
    view.cards.moveFocus("right", false, 4); // who presses an arrow means that card
    view.label("no");
    await settle();
    expect(store.labels.get("d")).toBe("no");
    view.label("yes");
    view.label(null); // so does who takes its label back
    view.label("unsure");
    await settle();
    expect(store.labels.get("d")).toBe("unsure");
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
    view.label("yes");
    view.cards.focusCard(0);
    view.label(null);
    await settle();
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
