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
  readonly settle: (result: unknown, buffers: readonly Uint8Array<ArrayBuffer>[]) => void;
  readonly fail: (error: RequestError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

const BUSY_AFTER = 1500; // ms without an answer until the page says that the kernel is busy

export class Client {
  private readonly pending = new Map<string, Pending>();
  private readonly late = new Set<string>();
  private readonly prefix = Math.random().toString(36).slice(2, 10);
  private count = 0;

  constructor(
    private readonly model: Model,
    private readonly onEvent: (event: Event) => void,
    private readonly onBusy: (busy: boolean) => void,
  ) {
    model.on("msg:custom", this.receive);
  }

  close(): void {
    this.model.off("msg:custom", this.receive);
    for (const { timer } of this.pending.values()) clearTimeout(timer);
    this.pending.clear();
  }

  // A request is never given up: a busy kernel answers later, and a label that is under way must not be told failed.
  request<T extends RequestType>(type: T, payload: Requests[T]["with"]): Promise<Reply<T>> {
    this.count += 1;
    const id = `${this.prefix}-${this.count}`;
    return new Promise<Reply<T>>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.late.add(id);
        this.onBusy(true);
      }, BUSY_AFTER);
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
      this.pending.set(id, { settle, fail: reject, timer });
      this.model.send(request(id, type, payload));
    });
  }

  private readonly receive = (content: unknown, buffers: unknown): void => {
    const message = parse(content);
    if (message.kind === "event") this.onEvent(message.event);
    if (message.kind !== "reply" && message.kind !== "failure") return;
    const pending = message.id === null ? undefined : this.pending.get(message.id);
    if (message.id === null || !pending) return; // another view's, or a second answer
    this.pending.delete(message.id);
    clearTimeout(pending.timer);
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
