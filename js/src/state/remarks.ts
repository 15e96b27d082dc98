// Notes and tags on clips: shows each change at once and sends it through the outbox. Knows the annotator's own tags.

import { type Signal, signal } from "@preact/signals";
import type { Outbox, RemarkChange } from "../kernel/outbox";
import type { Card, Remark } from "../kernel/protocol";
import type { AnnotatorState } from "./annotatorState";

const NONE: Remark = { note: "", tags: [], others: "" };
const MOST_TAGS = 10; // as in va_widgets/labels/clip_remarks.py
export const TOO_MANY_TAGS = `A clip can have ${MOST_TAGS} tags: take one away, or put it into the note.`;

// Tags with one more; undefined where there are as many as a clip can have.
export const withTag = (tags: readonly string[], tag: string): readonly string[] | undefined => {
  if (tags.includes(tag)) return tags;
  return tags.length < MOST_TAGS ? [...tags, tag] : undefined;
};

type Written = Pick<Remark, "note" | "tags">;

export class Remarks {
  // The annotator's tags in the order in which keys and buttons have them: the most used first when the page was opened,
  // new ones last, so that none moves under the fingers.
  readonly tags: Signal<readonly string[]> = signal([]);
  readonly #remarks: Signal<ReadonlyMap<string, Remark>> = signal(new Map());

  // What the kernel refused, by clip: the box opens with it, so that nothing that was written is lost.
  readonly #refused = new Map<string, Written>();

  constructor(
    private readonly state: AnnotatorState,
    private readonly outbox: Outbox,
  ) {}

  get(clip: string): Remark {
    return this.#remarks.value.get(clip) ?? NONE;
  }

  // What was written last, also if it could not be stored.
  written(clip: string): Written {
    return this.#refused.get(clip) ?? this.get(clip);
  }

  // Takes over what the cards carry, except where a newer remark is not saved yet.
  apply(cards: readonly Card[]): void {
    const known = cards.filter(({ clip }) => !this.#isUnsaved(clip));
    this.#show(known.map(({ clip, remark }) => [clip, remark ?? NONE]));
  }

  // Takes over what anybody has remarked meanwhile, except where a newer remark is not saved yet.
  applyStored(stored: Readonly<Record<string, Remark>>): void {
    const known = Object.entries(stored).filter(([clip]) => !this.#isUnsaved(clip));
    this.#show(known.map(([clip, remark]) => [clip, this.#withOthers(clip, remark)]));
  }

  // The kernel tells others' remarks only where they cannot give an answer away; in review they are shown already.
  #withOthers(clip: string, remark: Remark): Remark {
    return { ...remark, others: remark.others || this.get(clip).others };
  }

  addTags(tags: readonly string[]): void {
    const added = tags.filter((tag) => !this.tags.value.includes(tag));
    if (added.length > 0) this.tags.value = [...this.tags.value, ...added];
  }

  // Another concept is open.
  reset(): void {
    this.#remarks.value = new Map();
    this.#refused.clear();
  }

  // Gives a tag to all of these clips, or takes it away if all of them have it.
  toggleTag(clips: readonly string[], tag: string): void {
    const isGiven = clips.every((clip) => this.get(clip).tags.includes(tag));
    let full = false;
    for (const clip of clips) {
      const { note, tags } = this.get(clip);
      const changed = isGiven ? tags.filter((other) => other !== tag) : withTag(tags, tag);
      full ||= !changed;
      if (changed) this.remark(clip, note, changed);
    }
    if (full) this.state.announce(TOO_MANY_TAGS, true);
    else this.state.announce(isGiven ? `no longer ${tag}` : `tag: ${tag}`, false);
  }

  // Shows and saves a note and tags, unless the clip has them already. `concept` is the one for which they were written.
  remark(clip: string, note: string, tags: readonly string[], concept = this.state.concept): void {
    const former = this.get(clip);
    if (concept === undefined) return;
    if (former.note === note && former.tags.join("\n") === tags.join("\n")) {
      this.#refused.delete(clip);
      return;
    }
    void this.save({ type: "remark", concept, clip, note, tags });
  }

  // If the kernel refuses it, shows the former remark and the error, and keeps what was written for the box.
  async save(change: RemarkChange, id?: string): Promise<void> {
    const { clip, note, tags } = change;
    const former = this.get(clip);
    const known = this.tags.value;
    const isOpen = () => change.concept === this.state.concept && !this.#isUnsaved(clip);
    if (change.concept === this.state.concept) this.#show([[clip, { ...former, note, tags }]]);
    this.addTags(tags);
    try {
      const { result } = await this.outbox.push(change, id);
      this.state.error.value = "";
      this.#refused.delete(clip);
      if (isOpen()) this.#show([[clip, this.#withOthers(clip, result.remark)]]);
    } catch (error) {
      this.state.showError(error);
      if (change.concept === this.state.concept) this.#refused.set(clip, { note, tags });
      if (isOpen()) this.#show([[clip, former]]);
      this.tags.value = this.tags.value.filter((tag) => known.includes(tag) || !tags.includes(tag));
    }
  }

  #isUnsaved(clip: string): boolean {
    return this.outbox.entries.value.some(({ change }) => change.type === "remark" && change.clip === clip);
  }

  #show(remarks: readonly (readonly [string, Remark])[]): void {
    this.#remarks.value = new Map([...this.#remarks.value, ...remarks]);
  }
}

// A remark in one line, "" for none.
export const remarkText = ({ note, tags }: Remark): string =>
  [tags.join(", "), note].filter(Boolean).join(" · ");
