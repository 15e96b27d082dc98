// Gives labels, takes them back, undoes and redoes: shows each change at once and sends it through the outbox.

import type { Change, EntryStorage, Outbox } from "../kernel/outbox";
import type { Labels, Value } from "../kernel/protocol";
import type { Lists } from "../lists/lists";
import type { AnnotatorState } from "../state/annotatorState";
import type { ShownLabels } from "../state/labels";

const MOST_CLIPS = 500; // in one message

export class Labelling {
  constructor(
    private readonly state: AnnotatorState,
    private readonly outbox: Outbox,
    private readonly labels: ShownLabels,
    private readonly lists: Lists,
  ) {}

  // Takes the label back if all these clips have it already, as a pressed button does.
  toggle(clips: readonly string[], value: Value): Promise<void> {
    const pressed = clips.every((clip) => this.labels.get(clip) === value);
    return this.label(clips, pressed ? null : value);
  }

  // Shows the label at once and saves it. If the kernel refuses it, restores the former label and shows the error.
  async label(clips: readonly string[], value: Value | null): Promise<void> {
    const { concept } = this.state;
    if (clips.length === 0 || concept === undefined) return;
    const source = this.lists.source;
    const parts: Promise<unknown>[] = [];
    for (let from = 0; from < clips.length; from += MOST_CLIPS) {
      const part = clips.slice(from, from + MOST_CLIPS);
      parts.push(this.#change({ type: "label", concept, clips: part, value: value ?? "none", source }));
    }
    await Promise.all(parts);
  }

  // Undoes or redoes the latest change. Returns the clips that it has changed.
  async step(type: "undo" | "redo"): Promise<readonly string[]> {
    const { concept } = this.state;
    if (concept === undefined) return [];
    return Object.keys((await this.#change({ type, concept })) ?? {});
  }

  // Keeps unsaved changes in `storage` from now on, and sends those that an earlier page has left there.
  persistIn(storage: EntryStorage): void {
    for (const { id, change } of this.outbox.persistIn(storage)) void this.#change(change, id);
  }

  async #change(change: Change, id?: string): Promise<Labels | undefined> {
    const { state, labels } = this;
    const isOpen = () => change.concept === state.concept;
    const clips = change.type === "label" ? change.clips : [];
    const former = Object.fromEntries(clips.map((clip) => [clip, labels.get(clip) ?? null]));
    if (change.type === "label" && isOpen()) labels.show(change.clips, change.value);
    try {
      const { result } = await this.outbox.push(change, id);
      state.error.value = "";
      if (isOpen()) {
        labels.apply(result.labels);
        state.announce(describe(change, result.labels), change.type !== "label");
      }
      return result.labels;
    } catch (error) {
      state.showError(error);
      if (isOpen()) labels.apply(former);
      return undefined;
    }
  }
}

// The result of a change in words.
function describe(change: Change, changed: Labels): string {
  const number = Object.keys(changed).length;
  if (change.type === "label") {
    const label = change.value === "none" ? "label taken back" : change.value;
    return number === 1 ? label : `${number} clips: ${label}`;
  }
  if (number === 0) return `nothing to ${change.type}`;
  return `${number === 1 ? "1 label" : `${number} labels`} ${change.type === "undo" ? "undone" : "done again"}`;
}
