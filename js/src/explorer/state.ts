// The signals that several parts of the explorer read, and the way to ask the kernel.

import { type Signal, signal } from "@preact/signals";
import type { Client, Model, Reply } from "../kernel/client";
import type { Catalogue } from "../kernel/explorerProtocol";
import { type Requests, type RequestType, withoutLoneSurrogates } from "../kernel/protocol";
import { type ExplorerViewState, readExplorerViewState, TRAIT } from "./viewState";

export class ExplorerState {
  readonly catalogue: Signal<Catalogue | null> = signal(null); // null until the kernel has replied
  readonly viewState: Signal<ExplorerViewState>;
  readonly busy = signal(false); // a request has been pending for too long
  readonly lost = signal(false); // no kernel knows this widget
  readonly error = signal("");
  readonly notice = signal(""); // the result of an action that no card shows
  readonly announcement = signal(""); // the latest result of any action, for screen readers

  constructor(
    private readonly model: Model,
    private readonly client: () => Client,
  ) {
    this.viewState = signal(readExplorerViewState(model.get(TRAIT)));
  }

  updateViewState(change: Partial<ExplorerViewState>): void {
    const viewState = withoutLoneSurrogates({ ...this.viewState.value, ...change });
    this.viewState.value = viewState;
    this.model.set(TRAIT, viewState);
    this.model.save_changes();
  }

  // Returns the reply, or null after it has shown the error.
  async request<T extends RequestType>(type: T, payload: Requests[T]["with"]): Promise<Reply<T> | null> {
    try {
      const reply = await this.client().request(type, payload);
      this.error.value = "";
      return reply;
    } catch (error) {
      this.error.value = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  announce(text: string): void {
    this.notice.value = text;
    this.announcement.value = text;
  }
}
