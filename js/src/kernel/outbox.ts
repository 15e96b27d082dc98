// Changes of labels and remarks that the kernel has not acknowledged yet: sends them, keeps their order, stores them in the tab.

import { type Signal, signal } from "@preact/signals";
import { type Client, type Reply, RequestError } from "./client";
import type { Stored } from "./protocol";

export type RemarkChange = {
  type: "remark";
  concept: string;
  clip: string;
  note: string;
  tags: readonly string[];
};
export type LabelChange =
  | { type: "label"; concept: string; clips: readonly string[]; value: Stored; source: string }
  | { type: "undo" | "redo"; concept: string };
export type Change = LabelChange | RemarkChange;

type ReplyTo<C extends Change> = C extends RemarkChange ? Reply<"remark"> : Reply<"label">;

export interface Entry {
  readonly id: string;
  readonly change: Change;
}

export interface EntryStorage {
  save(entries: readonly Entry[]): void;
  takeAll(): Entry[]; // removes what it returns
}

interface Waiter {
  resolve(reply: never): void;
  reject(error: Error): void;
}

// Changes without a common clip may be sent at the same time; all others are sent one after another. So the kernel
// ends with the label that the user saw last, even if messages are lost and sent again.
export function mustWait(later: Change, earlier: Change): boolean {
  if (later.concept !== earlier.concept) return false;
  if (later.type === "remark") return earlier.type === "remark" && earlier.clip === later.clip;
  if (earlier.type === "remark") return false;
  if (later.type !== "label" || earlier.type !== "label") return true;
  return later.clips.some((clip) => earlier.clips.includes(clip));
}

const RETRY_AFTER = 2000; // ms until a change that could not be saved is sent again; doubled each time
const RETRY_AFTER_AT_MOST = 30_000;

export class Outbox {
  readonly entries: Signal<readonly Entry[]> = signal([]); // not acknowledged yet, oldest first
  readonly saveError = signal(""); // why the kernel cannot save labels now; "" if it can
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #retryDelay = RETRY_AFTER;
  readonly #sent = new Set<string>();
  readonly #waiters = new Map<string, Waiter>();
  #storage: EntryStorage | null = null;

  constructor(private readonly client: Client) {}

  push<C extends Change>(change: C, id = this.client.nextId()): Promise<ReplyTo<C>> {
    return new Promise((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject });
      this.#setEntries([...this.entries.value, { id, change }]);
      this.#sendReady();
    });
  }

  close(): void {
    clearTimeout(this.#retryTimer);
  }

  // Clips of a concept with a label that the kernel has not acknowledged yet.
  unsaved(concept: string): ReadonlySet<string> {
    const own = this.entries.value.filter(({ change }) => change.concept === concept);
    return new Set(own.flatMap(({ change }) => (change.type === "label" ? change.clips : [])));
  }

  // From now on keeps the unacknowledged changes in `storage`. Returns those that an earlier page has left there.
  persistIn(storage: EntryStorage): readonly Entry[] {
    const leftOver = storage.takeAll();
    this.#storage = storage;
    storage.save(this.entries.value);
    return leftOver;
  }

  #setEntries(entries: readonly Entry[]): void {
    this.entries.value = entries;
    this.#storage?.save(entries);
  }

  // While the kernel cannot save, only the oldest change is sent.
  #sendReady(): void {
    const entries = this.saveError.value ? this.entries.value.slice(0, 1) : this.entries.value;
    entries.forEach(({ id, change }, index) => {
      if (this.#sent.has(id)) return;
      if (entries.slice(0, index).some((earlier) => mustWait(change, earlier.change))) return;
      this.#sent.add(id);
      void this.#send(id, change);
    });
  }

  async #send(id: string, { type, ...payload }: Change): Promise<void> {
    const waiter = this.#waiters.get(id);
    const remove = () => {
      this.#waiters.delete(id);
      this.#sent.delete(id);
      this.#setEntries(this.entries.value.filter((entry) => entry.id !== id));
    };
    try {
      const reply = await this.client.request(type, payload as never, id);
      this.saveError.value = "";
      this.#retryDelay = RETRY_AFTER;
      remove();
      waiter?.resolve(reply as never);
    } catch (error) {
      if (error instanceof RequestError && error.code === "not_saved") {
        this.#retryLater(id, error.message);
        return;
      }
      remove();
      waiter?.reject(error instanceof Error ? error : new Error(String(error)));
    }
    this.#sendReady();
  }

  // The label store is missing, full or locked: keeps the change and sends it again under its id.
  #retryLater(id: string, reason: string): void {
    this.#sent.delete(id);
    this.saveError.value = reason;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#sendReady(), this.#retryDelay);
    this.#retryDelay = Math.min(RETRY_AFTER_AT_MOST, 2 * this.#retryDelay);
  }
}
