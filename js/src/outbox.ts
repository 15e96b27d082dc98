// Labels on their way to the kernel: sent at once, kept until they are acknowledged, and never in a wrong order.

import { type Signal, signal } from "@preact/signals";
import { type Client, type Reply, RequestError } from "./client";
import type { Stored } from "./protocol";

export type Change =
  | { type: "label"; concept: string; clips: readonly string[]; value: Stored; source: string }
  | { type: "undo" | "redo"; concept: string };

export type Answer = Reply<"label">;

interface Entry {
  readonly id: string;
  readonly change: Change;
}

// Where unsaved changes outlive a reload of the page or a restart of the kernel.
export interface Shelf {
  put(entries: readonly Entry[]): void;
  take(): Entry[];
}

// Two changes that touch no clip in common may arrive in any order; all others wait for one another. So whatever is
// lost and sent again, the kernel ends with what the person saw last.
export function mustWait(later: Change, earlier: Change): boolean {
  if (later.concept !== earlier.concept) return false;
  if (later.type !== "label" || earlier.type !== "label") return true;
  return later.clips.some((clip) => earlier.clips.includes(clip));
}

const AGAIN_AFTER = 2000; // ms until a label that could not be saved is sent again; doubled each time
const AGAIN_AT_MOST = 30_000;

export class Outbox {
  readonly waiting: Signal<readonly Entry[]> = signal([]);
  // Why the kernel cannot save labels now, in its words; empty if it can. Until then they wait here.
  readonly unsavable = signal("");
  private again: ReturnType<typeof setTimeout> | undefined;
  private delay = AGAIN_AFTER;
  private readonly sent = new Set<string>();
  private readonly answers = new Map<string, { done(answer: Answer): void; refused(error: Error): void }>();
  private shelf: Shelf | null = null;

  constructor(private readonly client: Client) {}

  push(change: Change, id = this.client.id()): Promise<Answer> {
    return new Promise((done, refused) => {
      this.answers.set(id, { done, refused });
      this.set([...this.waiting.value, { id, change }]);
      this.pump();
    });
  }

  close(): void {
    clearTimeout(this.again);
  }

  // A concept's clips whose label is shown but not acknowledged yet.
  unsaved(concept: string): ReadonlySet<string> {
    const ours = this.waiting.value.filter(({ change }) => change.concept === concept);
    return new Set(ours.flatMap(({ change }) => (change.type === "label" ? change.clips : [])));
  }

  // From now on what is unsaved is kept on the shelf; returns what an earlier page left there.
  open(shelf: Shelf): readonly Entry[] {
    const left = shelf.take();
    this.shelf = shelf;
    shelf.put(this.waiting.value);
    return left;
  }

  private set(entries: readonly Entry[]): void {
    this.waiting.value = entries;
    this.shelf?.put(entries);
  }

  // While the kernel cannot save, the first one alone tries whether it can again.
  private pump(): void {
    const entries = this.unsavable.value ? this.waiting.value.slice(0, 1) : this.waiting.value;
    entries.forEach(({ id, change }, index) => {
      if (this.sent.has(id)) return;
      if (entries.slice(0, index).some((earlier) => mustWait(change, earlier.change))) return;
      this.sent.add(id);
      void this.send(id, change);
    });
  }

  private async send(id: string, { type, ...payload }: Change): Promise<void> {
    const answer = this.answers.get(id);
    const settled = () => {
      this.answers.delete(id);
      this.sent.delete(id);
      this.set(this.waiting.value.filter((entry) => entry.id !== id));
    };
    try {
      const reply = await this.client.request(type, payload as never, id);
      this.unsavable.value = "";
      this.delay = AGAIN_AFTER;
      settled();
      answer?.done(reply as Answer);
    } catch (error) {
      if (error instanceof RequestError && error.code === "not_saved") {
        this.keep(id, error.message);
        return;
      }
      settled();
      answer?.refused(error instanceof Error ? error : new Error(String(error)));
    }
    this.pump();
  }

  // The label store is gone, full or locked. What was not saved stays, and goes again under its own id.
  private keep(id: string, reason: string): void {
    this.sent.delete(id);
    this.unsavable.value = reason;
    clearTimeout(this.again);
    this.again = setTimeout(() => this.pump(), this.delay);
    this.delay = Math.min(AGAIN_AT_MOST, 2 * this.delay);
  }
}

// The browser's storage for this tab. Widgets of one corpus keep apart by `run`, but any of them takes over what is
// left: a label that is sent twice is stored once.
export function tabShelf(corpus: string, annotator: string, run: string): Shelf {
  const prefix = `va-widgets:${corpus}:${annotator}:`;
  return {
    put(entries) {
      inStorage((storage) => {
        if (entries.length > 0) storage.setItem(prefix + run, JSON.stringify(entries));
        else storage.removeItem(prefix + run);
      });
    },
    take() {
      const found: Entry[] = [];
      inStorage((storage) => {
        const names = Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? "");
        for (const name of names.filter((key) => key.startsWith(prefix))) {
          found.push(...readEntries(storage.getItem(name) ?? ""));
          storage.removeItem(name);
        }
      });
      return found;
    },
  };
}

function inStorage(use: (storage: Storage) => void): void {
  try {
    use(sessionStorage);
  } catch {
    // Some hosts show the widget in a frame without storage, or it is full: then unsaved labels live in the page alone.
  }
}

function readEntries(text: string): Entry[] {
  try {
    const kept: unknown = JSON.parse(text);
    return Array.isArray(kept) ? kept.filter(isEntry) : [];
  } catch {
    return []; // not ours
  }
}

function isEntry(kept: unknown): kept is Entry {
  const { id, change } = (kept ?? {}) as { id?: unknown; change?: Record<string, unknown> };
  if (typeof id !== "string" || typeof change?.concept !== "string") return false;
  if (change.type === "undo" || change.type === "redo") return true;
  return change.type === "label" && Array.isArray(change.clips) && typeof change.value === "string";
}
