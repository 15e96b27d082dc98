import { beforeEach, describe, expect, it } from "vitest";
import events from "../../../tests/protocol_cases/events.json";
import { settle } from "../goldenKernel";
import { openStore } from "../testStore";

beforeEach(() => sessionStorage.clear());

describe("labels", () => {
  it("are shown at once and sent with their concept and source", async () => {
    const { kernel, store } = await openStore();
    kernel.hold = true;
    const done = store.labelling.label(["a"], "yes");
    expect(store.labels.get("a")).toBe("yes");
    kernel.release();
    await done;
    expect(kernel.lastRequest("label")).toMatchObject({
      concept: "“night” 🌙",
      clips: ["a"],
      value: "yes",
      source: "search",
    });
  });

  it("that the kernel refuses are removed, and the error is shown", async () => {
    const { kernel, store } = await openStore();
    kernel.refuse("failed", "The disk is full.");
    await store.labelling.label(["a"], "no");
    expect(store.labels.get("a")).toBeNull();
    expect(store.state.error.value).toBe("The disk is full.");
  });

  it("are taken back by pressing a pressed button again, but never by a repeated key", async () => {
    const { store, view } = await openStore();
    view.label("yes");
    view.cards.focus.value = 0;
    view.label("yes");
    await settle();
    expect(store.labels.get("a")).toBe("yes");
    view.pressLabel(0, "yes");
    await settle();
    expect(store.labels.get("a")).toBeNull();
  });

  it("that change nothing are not sent, so that undo has no empty step", async () => {
    const { kernel, store, view } = await openStore();
    view.label(null);
    expect(kernel.lastRequest("label")).toBeUndefined();
    await store.labelling.label(["a", "b"], "yes");
    await store.labelling.label(["a"], "yes");
    await store.labelling.label(["a", "b", "c"], "yes");
    const sent = kernel.requests.filter(({ type }) => type === "label").map(({ clips }) => clips);
    expect(sent).toEqual([["a", "b"], ["c"]]);
  });

  it("that are undone on another page are named", async () => {
    const { kernel, store, view } = await openStore();
    await store.navigation.openFeed("random");
    await store.lists.next();
    const golden = kernel.reply;
    const undoing = (labels: object) => {
      kernel.reply = (message) => {
        const reply = golden(message) as { result: object };
        return message.type === "undo" ? { ...reply, result: { labels } } : reply;
      };
    };
    undoing({ b: null, c: null });
    await view.step("undo");
    const { video } = store.lists.feeds.progress.value.pages[0]?.cards[1] ?? {};
    expect(store.state.notice.value).toContain(`2 labels undone: ${video}`);
    expect(store.state.notice.value).toContain("on page 1 and 1 more");
    undoing({ e: null });
    await view.step("undo");
    expect(store.state.notice.value).toBe("1 label undone"); // the focus shows it
    await store.navigation.openTab("review");
    undoing({ zz: null });
    await view.step("undo");
    expect(store.state.notice.value).toBe(`1 label undone: ${video} 00:01–00:03`); // whose card has to be fetched
    expect(kernel.lastRequest("reviewed")).toMatchObject({ clips: ["zz"] });
  });

  it("of clips that the user may decide about are sent as decisions, once", async () => {
    const { kernel, store, view } = await openStore();
    const golden = kernel.reply;
    const dispute = { votes: { yes: ["kelli"], no: ["jo"] }, decided: "", decides: true };
    kernel.reply = (message) => {
      const reply = golden(message) as { result: { cards: { clip: string }[] } };
      if (message.type !== "review") return reply;
      const cards = reply.result.cards.map((card) => (card.clip < "c" ? { ...card, dispute } : card));
      return { ...reply, result: { ...reply.result, cards } };
    };
    kernel.stored.set("a", "yes");
    await store.navigation.openTab("review");
    const sent = () =>
      kernel.requests
        .filter(({ type }) => type === "label")
        .map(({ clips, value, source }) => [clips, value, source]);
    await store.labelling.label(["a", "b", "c"], "yes"); // a has the label already, but it was no decision
    expect(sent()).toEqual([
      [["c"], "yes", "review"],
      [["a", "b"], "yes", "adjudication"],
    ]);
    await store.labelling.label(["a", "b"], "yes");
    expect(sent()).toHaveLength(2);
    view.pressLabel(0, "yes");
    await settle();
    expect(sent().at(-1)).toEqual([["a"], "none", "adjudication"]);
  });

  it("of another window are shown, but not those of another concept", async () => {
    const { kernel, store } = await openStore();
    const golden = events.find((event) => event.event === "labels");
    kernel.deliver(golden);
    expect(store.labels.get("ab12-00001200-00003040")).toBe("no");
    const other = { labels: { a: "yes" }, status: { ...kernel.status, concept: "rain" } };
    kernel.deliver({ v: 1, event: "labels", data: other });
    expect(store.labels.get("a")).toBeNull();
  });

  it("of thousands of clips are sent in messages of at most 500 clips", async () => {
    const { kernel, store } = await openStore();
    await store.labelling.label(
      Array.from({ length: 1200 }, (_, i) => `c${i}`),
      "no",
    );
    const sizes = kernel.requests
      .filter(({ type }) => type === "label")
      .map(({ clips }) => (clips as string[]).length);
    expect(sizes).toEqual([500, 500, 200]);
  });
});
