// Sends requests to the kernel and matches the replies by id.

import { type Event, isResult, parse, type Requests, type RequestType, request } from "./protocol";

// The part of anywidget's model that the front end uses.
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
  readonly busyTimer: ReturnType<typeof setTimeout>;
  resendTimer: ReturnType<typeof setTimeout>;
}

const BUSY_AFTER = 1500; // ms without a reply until the kernel counts as busy
const RESEND_AFTER = 5000; // ms without a reply until a request is sent again; doubled each time
const RESEND_AFTER_AT_MOST = 60_000;

export class Client {
  readonly #pending = new Map<string, Pending>();
  readonly #overdue = new Set<string>(); // ids of requests without a reply after BUSY_AFTER
  readonly page = Math.random().toString(36).slice(2, 10); // identifies this browser page to the kernel
  #count = 0;
  #lastMessageAt = Date.now();

  constructor(
    private readonly model: Model,
    private readonly onEvent: (event: Event) => void,
    private readonly onBusy: (busy: boolean) => void,
    private readonly onLost: (lost: boolean) => void = () => {},
  ) {
    model.on("msg:custom", this.#receive);
    globalThis.addEventListener?.("online", this.resendAll);
  }

  close(): void {
    this.model.off("msg:custom", this.#receive);
    globalThis.removeEventListener?.("online", this.resendAll);
    for (const { busyTimer, resendTimer } of this.#pending.values()) {
      clearTimeout(busyTimer);
      clearTimeout(resendTimer);
    }
    this.#pending.clear();
  }

  nextId(): string {
    this.#count += 1;
    return `${this.page}-${this.#count}`;
  }

  // True if no request is pending and no message has arrived for `duration` ms.
  isIdle(duration = 0): boolean {
    return this.#pending.size === 0 && Date.now() - this.#lastMessageAt >= duration;
  }

  // Sends a request once and ignores the reply.
  notify<T extends RequestType>(type: T, payload: Requests[T]["with"]): void {
    this.#send(request(this.nextId(), type, payload));
  }

  // A request never times out: a busy kernel replies later, and a label must not be reported as failed while it may
  // still be stored. A request without a reply is sent again under the same id, so the kernel runs it only once.
  request<T extends RequestType>(
    type: T,
    payload: Requests[T]["with"],
    id = this.nextId(),
  ): Promise<Reply<T>> {
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
      const busyTimer = setTimeout(() => {
        this.#overdue.add(id);
        this.onBusy(true);
      }, BUSY_AFTER);
      const message = request(id, type, payload);
      const resendTimer = this.#scheduleResend(id, RESEND_AFTER);
      this.#pending.set(id, { message, settle, fail: reject, busyTimer, resendTimer });
      this.#send(message);
    });
  }

  #scheduleResend(id: string, delay: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const pending = this.#pending.get(id);
      if (!pending) return;
      pending.resendTimer = this.#scheduleResend(id, Math.min(RESEND_AFTER_AT_MOST, 2 * delay));
      this.#send(pending.message);
    }, delay);
  }

  readonly resendAll = (): void => {
    for (const { message } of this.#pending.values()) this.#send(message);
  };

  #send(message: object): void {
    try {
      this.model.send(message);
      this.onLost(false);
    } catch {
      // JupyterLab's model throws if no kernel knows this widget: it was restarted or shut down. A later attempt may
      // reach a kernel; until then the request stays pending, and labels also stay in the tab's storage.
      this.onLost(true);
    }
  }

  readonly #receive = (content: unknown, buffers: unknown): void => {
    const message = parse(content);
    this.#lastMessageAt = Date.now();
    if (message.kind === "event") this.onEvent(message.event);
    if (message.kind !== "reply" && message.kind !== "failure") return;
    const pending = message.id === null ? undefined : this.#pending.get(message.id);
    if (message.id === null || !pending) return; // a reply to another page, or a second reply
    this.#pending.delete(message.id);
    clearTimeout(pending.busyTimer);
    clearTimeout(pending.resendTimer);
    if (this.#overdue.delete(message.id) && this.#overdue.size === 0) this.onBusy(false);
    if (message.kind === "failure") pending.fail(new RequestError(message.error.code, message.error.message));
    else pending.settle(message.result, bytes(buffers));
  };
}

// Copies nothing: hosts deliver buffers as DataView, Uint8Array or ArrayBuffer, some as a view into a larger buffer.
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
