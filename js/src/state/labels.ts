// The label that the page shows for each clip: the kernel's, unless the user has given a newer one.

import { computed, type Signal, signal } from "@preact/signals";
import type { Outbox } from "../kernel/outbox";
import type { Labels, Stored, Value } from "../kernel/protocol";
import type { AnnotatorState } from "./annotatorState";

export class ShownLabels {
  readonly #values: Signal<ReadonlyMap<string, Value | null>> = signal(new Map());

  constructor(
    private readonly state: AnnotatorState,
    private readonly outbox: Outbox,
  ) {}

  // Clips of the open concept with a label that the kernel has not acknowledged yet.
  readonly unsaved = computed(() => this.outbox.unsaved(this.state.concept ?? ""));
  // How many changes the kernel has not acknowledged yet, of all concepts.
  readonly unsavedCount = computed(() => this.outbox.entries.value.length);

  // Undefined: the page does not know; null: the clip has no label.
  get(clip: string): Value | null | undefined {
    return this.#values.value.get(clip);
  }

  // The clips whose labels the page knows, at most `limit`, the latest ones.
  known(limit: number): string[] {
    return [...this.#values.value.keys()].slice(-limit);
  }

  // Shows a label that the user gives, before the kernel acknowledges it.
  show(clips: readonly string[], value: Stored): void {
    const values = new Map(this.#values.value);
    for (const clip of clips) values.set(clip, value === "none" ? null : value);
    this.#values.value = values;
  }

  // Shows what the kernel has stored, except where a newer label of the user is not acknowledged yet.
  apply(stored: Labels): void {
    const values = new Map(this.#values.value);
    const unsaved = this.unsaved.value;
    for (const [clip, value] of Object.entries(stored)) if (!unsaved.has(clip)) values.set(clip, value);
    this.#values.value = values;
  }

  // Another concept is open: only its unsaved labels are known.
  reset(concept: string): void {
    this.#values.value = new Map();
    for (const { change } of this.outbox.entries.value)
      if (change.type === "label" && change.concept === concept) this.show(change.clips, change.value);
  }
}
