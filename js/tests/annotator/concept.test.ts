import { beforeEach, describe, expect, it } from "vitest";
import { settle } from "../goldenKernel";
import { openStore } from "../testStore";

beforeEach(() => sessionStorage.clear());

describe("the concept", () => {
  it("can be switched, which resets labels, lists and view state", async () => {
    const { kernel, store } = await openStore();
    await store.labelling.label(["a"], "yes");
    kernel.stored.clear();
    await store.concept.switchTo("rain");
    expect(store.state.status.value?.concept).toBe("rain");
    expect(store.labels.get("a")).toBeNull();
    expect(kernel.lastRequest("search")).toMatchObject({ text: "rain" });
    expect(store.concept.opening.value).toBe("");
  });

  it("that is empty is forgotten", async () => {
    const { kernel, store } = await openStore();
    await store.concept.loadAll();
    expect(store.concept.all.value.map(({ empty }) => empty)).toEqual([false, true]);
    await store.concept.forget("rain");
    expect(kernel.lastRequest("forget")).toMatchObject({ concept: "rain" });
    expect(store.concept.all.value.map(({ concept }) => concept)).toEqual(["“night” 🌙"]);
  });

  it("follows when another window has switched it", async () => {
    const { kernel, store } = await openStore();
    kernel.status = { ...kernel.status, concept: "rain" };
    kernel.deliver({ v: 1, event: "switch", data: { status: kernel.status } });
    await settle();
    expect(store.state.status.value?.concept).toBe("rain");
    expect(store.state.viewState.value.tab).toBe("feeds");
  });

  it("is published, and what it finds comes as a file", async () => {
    const { kernel, store } = await openStore();
    const published = await store.concept.publish("night");
    expect(published).toMatchObject({ folder: "/films/corpus/models/night/v2", version: 2 });
    const data = new TextEncoder().encode("clip_id,score\n");
    kernel.hold = true;
    const exported = store.concept.exportFound();
    const [request] = kernel.held;
    kernel.deliver(kernel.reply(request as never), [data]);
    const file = await exported;
    expect([file?.name, file?.type, await file?.text()]).toEqual([
      "night.csv",
      "text/csv",
      "clip_id,score\n",
    ]);
    expect(store.state.notice.value).toBe("32 clips in night.csv");
  });

  it("of an unacknowledged label stays the one it was given for", async () => {
    const { kernel, store } = await openStore();
    kernel.hold = true;
    const label = store.labelling.label(["a"], "yes");
    const held = kernel.held;
    kernel.held = [];
    kernel.hold = false;
    await store.concept.switchTo("rain");
    kernel.held = held;
    kernel.release();
    await label;
    expect(kernel.lastRequest("label")).toMatchObject({ concept: "“night” 🌙" });
    expect(store.labels.get("a")).toBeNull();
  });
});
