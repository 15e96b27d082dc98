import { beforeEach, expect, it } from "vitest";
import events from "../../../tests/protocol_cases/events.json";
import { View } from "../../src/annotator/view";
import { remarkText, withTag } from "../../src/state/remarks";
import { settle } from "../goldenKernel";
import { openStore } from "../testStore";

beforeEach(() => sessionStorage.clear());

const open = async () => {
  const { kernel, store } = await openStore();
  return { kernel, store, view: new View(store), remarks: store.lists.remarks };
};

it("a remark shows at once, is sent, and what the kernel stored is shown then", async () => {
  const { kernel, store, remarks } = await open();
  kernel.hold = true;
  remarks.remark("a", "dubious", ["lamps"]);
  expect(remarkText(remarks.get("a"))).toBe("lamps · dubious");
  expect(store.labels.unsavedCount.value).toBe(1);
  expect(kernel.lastRequest("remark")).toMatchObject({ clip: "a", note: "dubious", tags: ["lamps"] });
  kernel.release();
  await settle();
  expect(store.labels.unsavedCount.value).toBe(0);
  expect(remarkText(remarks.get("a"))).toBe("reflection · dubious: reflection"); // as in the golden message
});

it("the same remark is not sent again, and a refused one is taken back", async () => {
  const { kernel, store, remarks } = await open();
  remarks.remark("a", "", []);
  expect(kernel.lastRequest("remark")).toBeUndefined();
  kernel.refuse("bad_value", "A tag is a word or a few.");
  remarks.remark("a", "", ["x"]);
  await settle();
  expect(remarks.get("a").tags).toEqual([]);
  expect(remarks.tags.value).not.toContain("x");
  expect(store.state.error.value).toBe("A tag is a word or a few.");
});

it("a key gives its tag to the selected cards, and takes it away if all have it", async () => {
  const { kernel, view, remarks } = await open();
  expect(remarks.tags.value).toEqual(["reflection", "too dark"]); // of `hello`
  kernel.hold = true;
  view.cards.focusCard(1, true);
  view.tag(1);
  expect([remarks.get("a").tags, remarks.get("b").tags]).toEqual([["too dark"], ["too dark"]]);
  view.tag(1);
  expect(remarks.get("a").tags).toEqual([]);
  view.tag(4);
  expect(view.store.state.notice.value).toContain("No tag has this key yet");
});

it("a remark that is not saved yet survives the cards of a new page", async () => {
  const { kernel, store, remarks } = await open();
  kernel.hold = true;
  remarks.remark("a", "mine", []);
  const [card] = store.lists.page.value?.cards ?? [];
  if (!card) throw new Error("no card");
  remarks.apply([{ ...card, clip: "a", remark: { note: "old", tags: [], others: "" } }]);
  expect(remarks.get("a").note).toBe("mine");
});

it("others' remarks that are shown in review stay, although the kernel does not repeat them", async () => {
  const { store, remarks } = await open();
  const [card] = store.lists.page.value?.cards ?? [];
  if (!card) throw new Error("no card");
  remarks.apply([{ ...card, clip: "a", remark: { note: "", tags: [], others: "jo: lamps" } }]);
  remarks.remark("a", "mine", []);
  await settle();
  expect(remarks.get("a").others).toBe("jo: lamps");
});

it("what somebody else remarks is shown when the kernel reports it, but not over what is not saved yet", async () => {
  const { kernel, remarks } = await open();
  const event = events.find(({ event }) => event === "remarks");
  if (!event) throw new Error("no golden event");
  const others = { note: "", tags: [], others: "jo: lamps" };
  const report = () =>
    kernel.deliver({ ...event, data: { ...event.data, remarks: { a: others, b: others } } });
  report();
  expect(remarks.get("a").others).toBe("jo: lamps");
  kernel.hold = true;
  remarks.remark("b", "mine", []);
  report();
  expect(remarks.get("b")).toMatchObject({ note: "mine", others: "jo: lamps" });
});

const TEN = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];

it("an eleventh tag is not given, and a sentence says so", async () => {
  const { kernel, store, remarks } = await open();
  kernel.hold = true;
  remarks.remark("a", "mine", TEN);
  remarks.toggleTag(["a", "b"], "too dark");
  expect(remarks.get("a")).toMatchObject({ note: "mine", tags: TEN });
  expect(remarks.get("b").tags).toEqual(["too dark"]);
  expect(store.state.notice.value).toContain("A clip can have 10 tags");
  expect(withTag(TEN, "3")).toBe(TEN);
  expect(withTag(TEN, "11")).toBeUndefined();
});

it("what the kernel refuses stays written until something else is stored", async () => {
  const { kernel, remarks } = await open();
  const { reply } = kernel;
  kernel.refuse("bad_value", "A note may have 1,000 characters.");
  remarks.remark("a", "long", ["x"]);
  await settle();
  expect(remarks.get("a").note).toBe("");
  expect(remarks.written("a")).toEqual({ note: "long", tags: ["x"] });
  kernel.reply = reply;
  remarks.remark("a", "short", []);
  await settle();
  expect(remarks.written("a")).toBe(remarks.get("a"));
});
