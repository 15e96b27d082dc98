import { afterEach, describe, expect, it, vi } from "vitest";
import { bytes, Client } from "../../src/kernel/client";
import { GoldenKernel } from "../goldenKernel";

const client = (kernel: GoldenKernel, onBusy = (_busy: boolean) => {}, onLost = (_lost: boolean) => {}) =>
  new Client(kernel, () => {}, onBusy, onLost);

afterEach(() => vi.useRealTimers());

describe("requests", () => {
  it("are matched with their replies by id, whatever their order", async () => {
    const kernel = new GoldenKernel();
    kernel.hold = true;
    const asked = client(kernel);
    const first = asked.request("undo", { concept: "night" });
    const second = asked.request("redo", { concept: "night" });
    kernel.held.reverse();
    kernel.release();
    expect((await first).result.labels).not.toEqual((await second).result.labels);
    expect(new Set(kernel.requests.map((message) => message.id)).size).toBe(2);
  });

  it("fail with the kernel's sentence", async () => {
    const kernel = new GoldenKernel();
    kernel.refuse("unknown_clip", "There is no clip.");
    await expect(client(kernel).request("undo", { concept: "night" })).rejects.toThrow("There is no clip.");
  });

  it("fail if the answer is not understood", async () => {
    const kernel = new GoldenKernel();
    kernel.reply = ({ id, type }) => ({ v: 1, id, type, ok: true, result: { labels: 3 } });
    await expect(client(kernel).request("undo", { concept: "night" })).rejects.toThrow("not understood");
  });

  it("are never given up: a busy kernel is told, and answers later", async () => {
    vi.useFakeTimers();
    const kernel = new GoldenKernel();
    kernel.hold = true;
    const busy: boolean[] = [];
    const asked = client(kernel, (now) => busy.push(now)).request("undo", { concept: "night" });
    vi.advanceTimersByTime(60_000);
    expect(busy).toEqual([true]);
    kernel.release();
    await asked;
    expect(busy).toEqual([true, false]);
  });

  it("that a lost connection has swallowed are sent again under the same id", async () => {
    vi.useFakeTimers();
    const kernel = new GoldenKernel();
    kernel.hold = true;
    const asked = client(kernel).request("undo", { concept: "night" });
    vi.advanceTimersByTime(5_000 + 10_000 + 20_000);
    expect(kernel.requests).toHaveLength(4);
    expect(new Set(kernel.requests.map((message) => message.id)).size).toBe(1);
    globalThis.dispatchEvent(new Event("online"));
    expect(kernel.requests).toHaveLength(5);
    kernel.release();
    await asked;
    vi.advanceTimersByTime(600_000);
    expect(kernel.requests).toHaveLength(5);
  });

  it("outlive a host that throws because it has no kernel for them, and say so meanwhile", async () => {
    vi.useFakeTimers();
    const kernel = new GoldenKernel();
    const lost: boolean[] = [];
    kernel.isLost = true;
    const asked = client(
      kernel,
      () => {},
      (now) => lost.push(now),
    ).request("undo", { concept: "night" });
    expect(lost).toEqual([true]);
    kernel.isLost = false;
    vi.advanceTimersByTime(5_000);
    await asked;
    expect(lost).toEqual([true, false]);
  });

  it("stop being listened for when the model closes", () => {
    const kernel = new GoldenKernel();
    const asked = client(kernel);
    expect(kernel.listenerCount).toBe(1);
    asked.close();
    expect(kernel.listenerCount).toBe(0);
  });
});

it("buffers arrive whole in whatever form the host has them", () => {
  const whole = new Uint8Array([9, 1, 2, 3, 9]).buffer;
  const window = new DataView(whole, 1, 3);
  const found = bytes([window, new Uint8Array([4]), new Uint8Array([5]).buffer]);
  expect(found.map((part) => [...part])).toEqual([[1, 2, 3], [4], [5]]);
  expect(bytes(undefined)).toEqual([]);
});
