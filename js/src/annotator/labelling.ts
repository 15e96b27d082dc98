// Gives labels, takes them back, undoes and redoes: shows each change at once and sends it through the outbox.

import { signal } from "@preact/signals";
import { shortcut } from "../input/keys";
import type { EntryStorage, LabelChange, Outbox } from "../kernel/outbox";
import type { Labels, Value } from "../kernel/protocol";
import type { Lists } from "../lists/lists";
import type { AnnotatorState } from "../state/annotatorState";
import type { ShownLabels } from "../state/labels";
import { counted } from "../words";

const MOST_CLIPS = 500; // in one message
const DECISION = "adjudication"; // the source of a label that decides between those of others

export class Labelling {
  readonly #decided = signal<ReadonlySet<string>>(new Set()); // clips that the user has decided about on this page

  constructor(
    private readonly state: AnnotatorState,
    private readonly outbox: Outbox,
    private readonly labels: ShownLabels,
    private readonly lists: Lists,
  ) {}

  // Takes the label back if all these clips have it already, as a pressed button does.
  toggle(clips: readonly string[], value: Value): Promise<void> {
    const pressed = clips.every((clip) => !this.#isNew(clip, value));
    return this.label(clips, pressed ? null : value);
  }

  // Shows the label at once and saves it. If the kernel refuses it, restores the former label and shows the error.
  // Leaves out clips that have it already: undo would otherwise take back something that changed nothing.
  async label(clips: readonly string[], value: Value | null): Promise<void> {
    const { concept } = this.state;
    if (concept === undefined) return;
    const changed = clips.filter((clip) => this.#isNew(clip, value));
    const decisions = changed.filter((clip) => this.#decides(clip));
    const parts: Promise<unknown>[] = [];
    const send = (some: readonly string[], source: string) => {
      for (let from = 0; from < some.length; from += MOST_CLIPS) {
        const part = some.slice(from, from + MOST_CLIPS);
        parts.push(this.#change({ type: "label", concept, clips: part, value: value ?? "none", source }));
      }
    };
    send(
      changed.filter((clip) => !decisions.includes(clip)),
      this.lists.source,
    );
    send(decisions, DECISION);
    if (decisions.length > 0) this.#decided.value = new Set([...this.#decided.value, ...decisions]);
    await Promise.all(parts);
  }

  // Whether the user has decided between the labels of others.
  hasDecided(clip: string): boolean {
    const decider = this.lists.card(clip)?.dispute?.decided;
    return this.#decided.value.has(clip) || (!!decider && decider === this.state.status.value?.annotator);
  }

  #decides(clip: string): boolean {
    return this.lists.card(clip)?.dispute?.decides === true;
  }

  // Whether a label changes something. One that is there already may still become a decision.
  #isNew(clip: string, value: Value | null): boolean {
    if (this.labels.get(clip) !== value) return true;
    return value !== null && this.#decides(clip) && !this.hasDecided(clip);
  }

  // Undoes or redoes the latest change. Returns the clips that it has changed. Says which ones if the open page does not
  // show them.
  async step(type: "undo" | "redo"): Promise<readonly string[]> {
    const { concept } = this.state;
    if (concept === undefined) return [];
    const clips = Object.keys((await this.#change({ type, concept })) ?? {});
    this.#decided.value = new Set([...this.#decided.value].filter((clip) => !clips.includes(clip)));
    const [first] = clips;
    if (first && !clips.some((clip) => this.lists.clips.value.includes(clip))) {
      const others = clips.length > 1 ? ` and ${clips.length - 1} more` : "";
      const name = await this.lists.describe(first);
      this.state.announce(`${describeStep(type, clips.length)}: ${name}${others}`, true);
    }
    return clips;
  }

  // Keeps unsaved changes in `storage` from now on, and sends those that an earlier page has left there.
  persistIn(storage: EntryStorage): void {
    for (const { id, change } of this.outbox.persistIn(storage))
      void (change.type === "remark" ? this.lists.remarks.save(change, id) : this.#change(change, id));
  }

  async #change(change: LabelChange, id?: string): Promise<Labels | undefined> {
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
        this.#announce(change, Object.keys(result.labels).length);
      }
      return result.labels;
    } catch (error) {
      state.showError(error);
      if (isOpen()) labels.apply(former);
      return undefined;
    }
  }

  // The result of a change in words. The cards show the label of a single clip well enough.
  #announce(change: LabelChange, number: number): void {
    if (change.type !== "label") this.state.announce(describeStep(change.type, number), true);
    else if (number === 1)
      this.state.announce(change.value === "none" ? "label taken back" : change.value, false);
    else {
      const result = change.value === "none" ? "labels taken back" : `labelled ${change.value}`;
      const key = shortcut("undo", this.state.viewState.value.keys);
      this.state.announce(`${number} ${result} · ${key} takes it back`, true);
    }
  }
}

function describeStep(type: "undo" | "redo", number: number): string {
  if (number === 0) return `nothing to ${type}`;
  return `${counted(number, "label")} ${type === "undo" ? "undone" : "done again"}`;
}
