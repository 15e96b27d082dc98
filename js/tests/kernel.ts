// A model whose other end is a few lines instead of a kernel: it answers with the golden replies.

import replies from "../../tests/protocol_cases/replies.json";
import type { Model } from "../src/client";

type Message = Record<string, unknown> & { id: string; type: string };

export class Kernel implements Model {
  readonly asked: Message[] = [];
  readonly kept = new Map<string, unknown>();
  held: Message[] = [];
  hold = false; // keep answers back until `release`
  answer: (message: Message) => object = (message) => {
    const golden = replies.find((reply) => reply.type === message.type);
    return { ...golden, id: message.id };
  };
  gone = false; // refuse whatever is sent, as a host does that has no kernel for it
  private listeners: { name: string; listener: (...values: unknown[]) => void }[] = [];

  get(name: string): unknown {
    return this.kept.get(name);
  }
  set(name: string, value: unknown): void {
    this.kept.set(name, value);
  }
  save_changes(): void {}
  on(name: string, listener: (...values: unknown[]) => void): void {
    this.listeners.push({ name, listener });
  }
  off(name: string, listener: (...values: unknown[]) => void): void {
    this.listeners = this.listeners.filter((one) => one.name !== name || one.listener !== listener);
  }
  send(content: object): void {
    if (this.gone) throw new Error("Cannot send: the comm is closed");
    const message = content as Message;
    this.asked.push(message);
    if (this.hold) this.held.push(message);
    else this.tell(this.answer(message));
  }
  release(): void {
    const held = this.held;
    this.held = [];
    this.hold = false;
    for (const message of held) this.tell(this.answer(message));
  }
  // From now on every request fails with this error.
  refuse(code: string, message: string): void {
    this.answer = ({ id, type }) => ({ v: 1, id, type, ok: false, error: { code, message } });
  }
  tell(content: unknown, buffers: unknown[] = []): void {
    this.happen("msg:custom", content, buffers);
  }
  happen(event: string, ...values: unknown[]): void {
    for (const { name, listener } of [...this.listeners]) if (name === event) listener(...values);
  }
  get heard(): number {
    return this.listeners.length;
  }
  last(type: string): Message | undefined {
    return this.asked.filter((message) => message.type === type).at(-1);
  }
}

// Lets promises that are settled already call their followers.
export const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
