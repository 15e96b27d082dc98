// Stores whose kernel has the clips a, b, c, …, keeps labels, and leaves out what a feed's request excludes.

import replies from "../../tests/protocol_cases/replies.json";
import { Store } from "../src/annotator/store";
import { View } from "../src/annotator/view";
import { GoldenKernel } from "./goldenKernel";

const CARD = replies.find((reply) => reply.type === "similar")?.result.cards?.[0] as object;
export const STATUS = replies.find((reply) => reply.type === "hello")?.result.status as Record<
  string,
  unknown
>;
export const ALL_CLIPS = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i));

interface Request {
  readonly type: string;
  readonly exclude: string[];
  readonly k: number;
  readonly labelled: boolean;
  readonly clips: string[];
  readonly value: string;
  readonly concept: string;
}

export class ClipKernel extends GoldenKernel {
  readonly stored = new Map<string, string>(); // labels by clip
  status: Record<string, unknown> = STATUS;
  selection: object | null = null;

  constructor() {
    super();
    const golden = this.reply;
    this.reply = (message) => {
      const reply = golden(message) as { result: Record<string, unknown> };
      const result = { ...reply.result, ...this.ownResult(message as unknown as Request) };
      if ("status" in result) result.status = this.status;
      return { ...reply, result };
    };
  }

  // What differs from the golden result.
  private ownResult(request: Request): object {
    const { type, exclude, k, clips, value, labelled } = request;
    if (type === "hello") return { selection: this.selection, labels: this.labelsOf(clips) };
    if (type === "feed") {
      const rest = ALL_CLIPS.filter((clip) => !exclude.includes(clip)).slice(0, k);
      return { cards: this.cards(rest), version: this.status.version };
    }
    if (type === "search" || type === "similar" || type === "sorted") {
      const isHidden = (clip: string) => exclude.includes(clip) || (!labelled && this.isLabelled(clip));
      return { cards: this.cards(ALL_CLIPS.filter((clip) => !isHidden(clip)).slice(0, k)) };
    }
    if (type === "review") return { clips: ALL_CLIPS, cards: this.cards(ALL_CLIPS.slice(0, k)) };
    if (type === "reviewed") return { cards: this.cards(clips) };
    if (type === "switch") {
      this.status = { ...this.status, concept: request.concept, counts: { yes: 0, no: 0, unsure: 0 } };
      return {};
    }
    if (type === "label") {
      for (const clip of clips) this.stored.set(clip, value);
      return { labels: Object.fromEntries(clips.map((clip) => [clip, value === "none" ? null : value])) };
    }
    return {};
  }

  private isLabelled(clip: string): boolean {
    return (this.stored.get(clip) ?? "none") !== "none";
  }

  private labelsOf(clips: readonly string[]): Record<string, string | null> {
    return Object.fromEntries(clips.map((clip) => [clip, this.stored.get(clip) ?? null]));
  }

  private cards(clips: readonly string[]): object[] {
    return clips.map((clip) => ({ ...CARD, clip, label: this.stored.get(clip) ?? null }));
  }

  // Reports that a refit has produced this version of the classifier.
  refit(version: number): void {
    this.status = { ...this.status, version };
    const data = { status: this.status, version, flipped: 1, seconds: 0.1 };
    this.deliver({ v: 1, event: "refit", data });
  }
}

export function storeWithView(kernel: ClipKernel): Store {
  const store = new Store(kernel);
  store.connection.attach();
  return store;
}

// A store with one view that shows its first page.
export async function openStore(
  kernel = new ClipKernel(),
  perPage = 4,
): Promise<{ kernel: ClipKernel; store: Store; view: View }> {
  if (!kernel.traits.has("place")) kernel.traits.set("place", { tab: "search" });
  const store = storeWithView(kernel);
  await store.connection.open(perPage);
  return { kernel, store, view: new View(store) };
}

export const shownClips = (store: Store): string => store.lists.clips.value.join("");
