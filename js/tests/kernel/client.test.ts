import { afterEach, describe, expect, it, vi } from "vitest";
import { bytes, Client } from "../../src/kernel/client";
import { GoldenKernel } from "../goldenKernel";

const open = (kernel: GoldenKernel, onBusy = (_busy: boolean) => {}, onLost = (_lost: boolean) => {}) =>
  new Client(kernel, () => {}, onBusy, onLost);

afterEach(() => vi.useRealTimers());

describe("requests", () => {
  it("are matched with their replies by id, whatever their order", async () => {
    const kernel = new GoldenKernel();
    kernel.hold = true;
    const client = open(kernel);
    const first = client.request("undo", { concept: "night" });
    const second = client.request("redo", { concept: "night" });
    kernel.held.reverse();
    kernel.release();
    expect((await first).result.labels).not.toEqual((await second).result.labels);
    expect(new Set(kernel.requests.map((message) => message.id)).size).toBe(2);
  });

  it("fail with the kernel's error message", async () => {
    const kernel = new GoldenKernel();
    kernel.refuse("unknown_clip", "There is no clip.");
    await expect(open(kernel).request("undo", { concept: "night" })).rejects.toThrow("There is no clip.");
  });

  it("fail if the reply is malformed", async () => {
    const kernel = new GoldenKernel();
    kernel.reply = ({ id, type }) => ({ v: 1, id, type, ok: true, result: { labels: 3 } });
    await expect(open(kernel).request("undo", { concept: "night" })).rejects.toThrow("not understood");
  });

  it("never time out: a kernel without a reply counts as busy until it replies", async () => {
    vi.useFakeTimers();
    const kernel = new GoldenKernel();
    kernel.hold = true;
    const busy: boolean[] = [];
    const request = open(kernel, (now) => busy.push(now)).request("undo", { concept: "night" });
    vi.advanceTimersByTime(60_000);
    expect(busy).toEqual([true]);
    kernel.release();
    await request;
    expect(busy).toEqual([true, false]);
  });

  it("without a reply are sent again under the same id", async () => {
    vi.useFakeTimers();
    const kernel = new GoldenKernel();
    kernel.hold = true;
    const request = open(kernel).request("undo", { concept: "night" });
    vi.advanceTimersByTime(5_000 + 10_000 + 20_000);
    expect(kernel.requests).toHaveLength(4);
    expect(new Set(kernel.requests.map((message) => message.id)).size).toBe(1);
    globalThis.dispatchEvent(new Event("online"));
    expect(kernel.requests).toHaveLength(5);
    kernel.release();
    await request;
    vi.advanceTimersByTime(600_000);
    expect(kernel.requests).toHaveLength(5);
  });

  it("stay pending if the host throws because there is no kernel, which counts as lost meanwhile", async () => {
    vi.useFakeTimers();
    const kernel = new GoldenKernel();
    const lost: boolean[] = [];
    kernel.isLost = true;
    const request = open(
      kernel,
      () => {},
      (now) => lost.push(now),
    ).request("undo", { concept: "night" });
    expect(lost).toEqual([true]);
    kernel.isLost = false;
    vi.advanceTimersByTime(5_000);
    await request;
    expect(lost).toEqual([true, false]);
  });

  it("have no listener after the client was closed", () => {
    const kernel = new GoldenKernel();
    const client = open(kernel);
    expect(kernel.listenerCount).toBe(1);
    client.close();
    expect(kernel.listenerCount).toBe(0);
  });
});

it("buffers are read in every form in which hosts deliver them", () => {
  const whole = new Uint8Array([9, 1, 2, 3, 9]).buffer;
  const window = new DataView(whole, 1, 3);
  const read = bytes([window, new Uint8Array([4]), new Uint8Array([5]).buffer]);
  expect(read.map((part) => [...part])).toEqual([[1, 2, 3], [4], [5]]);
  expect(bytes(undefined)).toEqual([]);
});
