// A widget model with an imitated kernel at its other end, which replies with the golden messages.

import explorerReplies from "../../tests/protocol_cases/explorer_replies.json";
import replies from "../../tests/protocol_cases/replies.json";
import type { Model } from "../src/kernel/client";

type Message = Record<string, unknown> & { id: string; type: string };

export class GoldenKernel implements Model {
  readonly requests: Message[] = [];
  readonly traits = new Map<string, unknown>();
  held: Message[] = []; // requests without a reply
  hold = false; // hold replies back until `release`
  reply: (message: Message) => object = (message) => {
    const golden = [...replies, ...explorerReplies].find((reply) => reply.type === message.type);
    return { ...golden, id: message.id };
  };
  isLost = false; // throw on `send`, as JupyterLab's model does if no kernel knows the widget
  private listeners: { name: string; listener: (...values: unknown[]) => void }[] = [];

  get(name: string): unknown {
    return this.traits.get(name);
  }
  set(name: string, value: unknown): void {
    this.traits.set(name, value);
  }
  save_changes(): void {}
  on(name: string, listener: (...values: unknown[]) => void): void {
    this.listeners.push({ name, listener });
  }
  off(name: string, listener: (...values: unknown[]) => void): void {
    this.listeners = this.listeners.filter((item) => item.name !== name || item.listener !== listener);
  }
  send(content: object): void {
    if (this.isLost) throw new Error("Cannot send: the comm is closed");
    const message = content as Message;
    this.requests.push(message);
    if (this.hold) this.held.push(message);
    else this.deliver(this.reply(message));
  }
  release(): void {
    const held = this.held;
    this.held = [];
    this.hold = false;
    for (const message of held) this.deliver(this.reply(message));
  }
  // From now on every request fails with this error.
  refuse(code: string, message: string): void {
    this.reply = ({ id, type }) => ({ v: 1, id, type, ok: false, error: { code, message } });
  }
  deliver(content: unknown, buffers: unknown[] = []): void {
    this.emit("msg:custom", content, buffers);
  }
  emit(event: string, ...values: unknown[]): void {
    for (const { name, listener } of [...this.listeners]) if (name === event) listener(...values);
  }
  get listenerCount(): number {
    return this.listeners.length;
  }
  lastRequest(type: string): Message | undefined {
    return this.requests.filter((message) => message.type === type).at(-1);
  }
}

// Waits until the callbacks of all settled promises have run.
export const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
