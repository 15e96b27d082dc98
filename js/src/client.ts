// Requests to the kernel and their replies, matched by id.

import { type Event, isResult, parse, type Requests, type RequestType, request } from "./protocol";

// What we use of anywidget's model.
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: object): void;
  on(name: string, listener: (...values: unknown[]) => void): void;
  off(name: string, listener: (...values: unknown[]) => void): void;
}

export interface Reply<T extends RequestType> {
  readonly result: Requests[T]["result"];
  readonly buffers: readonly Uint8Array<ArrayBuffer>[];
}

export class RequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Pending {
  readonly message: object;
  readonly settle: (result: unknown, buffers: readonly Uint8Array<ArrayBuffer>[]) => void;
  readonly fail: (error: RequestError) => void;
  readonly busy: ReturnType<typeof setTimeout>;
  again: ReturnType<typeof setTimeout>;
}

const BUSY_AFTER = 1500; // ms without an answer until the page says that the kernel is busy
const AGAIN_AFTER = 5000; // ms until a request is sent once more; doubled each time
const AGAIN_AT_MOST = 60_000;

export class Client {
  private readonly pending = new Map<string, Pending>();
  private readonly late = new Set<string>();
  readonly page = Math.random().toString(36).slice(2, 10); // this one among those that show the widget
  private count = 0;
  private heard = Date.now(); // when the kernel has last said something

  constructor(
    private readonly model: Model,
    private readonly onEvent: (event: Event) => void,
    private readonly onBusy: (busy: boolean) => void,
    private readonly onLost: (lost: boolean) => void = () => {},
  ) {
    model.on("msg:custom", this.receive);
    globalThis.addEventListener?.("online", this.sendAll);
  }

  close(): void {
    this.model.off("msg:custom", this.receive);
    globalThis.removeEventListener?.("online", this.sendAll);
    for (const { busy, again } of this.pending.values()) {
      clearTimeout(busy);
      clearTimeout(again);
    }
    this.pending.clear();
  }

  id(): string {
    this.count += 1;
    return `${this.page}-${this.count}`;
  }

  // Nothing waits for an answer, and the kernel has said nothing for so many milliseconds.
  quiet(during = 0): boolean {
    return this.pending.size === 0 && Date.now() - this.heard >= during;
  }

  // Sends a request once; the answer does not matter.
  tell<T extends RequestType>(type: T, payload: Requests[T]["with"]): void {
    this.send(request(this.id(), type, payload));
  }

  // A request is never given up: a busy kernel answers later, and a label that is under way must not be told failed.
  // What a lost connection has swallowed is sent again under the same id, by which the kernel knows it.
  request<T extends RequestType>(type: T, payload: Requests[T]["with"], id = this.id()): Promise<Reply<T>> {
    return new Promise<Reply<T>>((resolve, reject) => {
      const settle = (result: unknown, buffers: readonly Uint8Array<ArrayBuffer>[]) => {
        if (isResult(type, result)) resolve({ result, buffers });
        else
          reject(
            new RequestError(
              "malformed",
              `The kernel's answer to "${type}" is not understood: reload the page.`,
            ),
          );
      };
      const busy = setTimeout(() => {
        this.late.add(id);
        this.onBusy(true);
      }, BUSY_AFTER);
      const message = request(id, type, payload);
      const pending = { message, settle, fail: reject, busy, again: this.sendLater(id, AGAIN_AFTER) };
      this.pending.set(id, pending);
      this.send(message);
    });
  }

  private sendLater(id: string, after: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const pending = this.pending.get(id);
      if (!pending) return;
      pending.again = this.sendLater(id, Math.min(AGAIN_AT_MOST, 2 * after));
      this.send(pending.message);
    }, after);
  }

  readonly sendAll = (): void => {
    for (const { message } of this.pending.values()) this.send(message);
  };

  private send(message: object): void {
    try {
      this.model.send(message);
      this.onLost(false);
    } catch {
      // The host has nobody to send it to and says so by throwing: a new kernel does not know this widget, or there is
      // none. The next attempt may find one; a label waits for it, here or on the shelf.
      this.onLost(true);
    }
  }

  private readonly receive = (content: unknown, buffers: unknown): void => {
    const message = parse(content);
    this.heard = Date.now();
    if (message.kind === "event") this.onEvent(message.event);
    if (message.kind !== "reply" && message.kind !== "failure") return;
    const pending = message.id === null ? undefined : this.pending.get(message.id);
    if (message.id === null || !pending) return; // another view's, or a second answer
    this.pending.delete(message.id);
    clearTimeout(pending.busy);
    clearTimeout(pending.again);
    if (this.late.delete(message.id) && this.late.size === 0) this.onBusy(false);
    if (message.kind === "failure") pending.fail(new RequestError(message.error.code, message.error.message));
    else pending.settle(message.result, bytes(buffers));
  };
}

// Hosts deliver buffers as DataView, Uint8Array or ArrayBuffer, perhaps as a window into a larger one.
export function bytes(buffers: unknown): Uint8Array<ArrayBuffer>[] {
  if (!Array.isArray(buffers)) return [];
  return buffers.map((buffer: unknown) => {
    if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
    if (ArrayBuffer.isView(buffer)) {
      return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength) as Uint8Array<ArrayBuffer>;
    }
    return new Uint8Array();
  });
}
