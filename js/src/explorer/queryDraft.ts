// The query as it is typed: how many clips it finds, what is wrong with it, and what may stand at the cursor.

import { type Signal, signal } from "@preact/signals";
import type { Fault, Name } from "../kernel/explorerProtocol";
import { Latest } from "./latest";
import { charactersBefore, endOfWord, replaced } from "./positions";
import type { ExplorerState } from "./state";

const PAUSE = 120; // ms without a key until the kernel is asked

interface Completions {
  readonly names: readonly Name[];
  readonly start: number; // characters of the text that a name replaces
  readonly end: number;
}

const NONE: Completions = { names: [], start: 0, end: 0 };

export class QueryDraft {
  readonly text: Signal<string>;
  readonly count: Signal<number | null> = signal(null); // of the clips that match `text`; null while it is unknown
  readonly fault: Signal<Fault | null> = signal(null);
  readonly completions: Signal<Completions> = signal(NONE);
  readonly #asks = new Latest<{ text: string; cursor: number; completes: boolean }>(
    (asked) => this.#ask(asked),
    PAUSE,
  );

  constructor(private readonly state: ExplorerState) {
    this.text = signal(state.viewState.value.query);
  }

  // The text has changed, or the cursor has moved; `cursor` counts UTF-16 units. Without `completes` no names are
  // offered: nobody types.
  type(text: string, cursor: number, completes = true): void {
    this.text.value = text;
    this.fault.value = null;
    this.completions.value = NONE;
    this.#asks.ask({ text, cursor: charactersBefore(text, cursor), completes });
  }

  // What is shown now is the answer to this text.
  settle(text: string, count: number | null, fault: Fault | null): void {
    this.#asks.cancel();
    this.text.value = text;
    this.count.value = count;
    this.fault.value = fault;
    this.completions.value = NONE;
  }

  // Writes a completion; returns the cursor after it.
  accept({ insert }: Name): number {
    const { start, end } = this.completions.value;
    const { text, cursor } = replaced(this.text.value, start, end, insert);
    this.type(text, cursor, false);
    return cursor;
  }

  // Writes the name that was probably meant in the place of what is wrong.
  correct(): void {
    const { column, suggestion } = this.fault.value ?? {};
    if (column == null || !suggestion) return;
    const { text, cursor } = replaced(
      this.text.value,
      column,
      endOfWord(this.text.value, column),
      suggestion,
    );
    this.type(text, cursor, false);
  }

  closeCompletions(): boolean {
    const wasOpen = this.completions.value.names.length > 0;
    this.completions.value = NONE;
    return wasOpen;
  }

  async #ask({
    text,
    cursor,
    completes,
  }: {
    text: string;
    cursor: number;
    completes: boolean;
  }): Promise<void> {
    const { column, values } = this.state.viewState.value;
    const reply = await this.state.request("draft", { text, column, values, cursor });
    if (!reply || text !== this.text.value) return;
    const { count, fault, completions, start, end } = reply.result;
    this.count.value = fault ? null : count;
    this.fault.value = fault;
    if (completes) this.completions.value = { names: completions, start, end };
  }
}
