// The scores over the video that is played: of the query's names, or what the kernel shows in a timeline.

import { type Signal, signal } from "@preact/signals";
import type { TimelineShown } from "../kernel/explorerProtocol";
import type { ExplorerState } from "./state";

export class TimelineState {
  readonly shown: Signal<TimelineShown | null> = signal(null);
  #key = ""; // of what is shown or requested

  constructor(private readonly state: ExplorerState) {}

  // Shows the video of a clip; the same video with the same query is not requested again.
  async load(clip: string, video: string): Promise<void> {
    const { query } = this.state.viewState.value;
    const key = JSON.stringify([video, query, this.state.catalogue.value?.models]);
    if (key === this.#key) return;
    this.#key = key;
    if (this.shown.value?.video !== video) this.shown.value = null;
    const reply = await this.state.request("timeline", { clip, text: query });
    if (this.#key !== key) return;
    if (reply) this.shown.value = reply.result;
    else this.#key = "";
  }
}

// The index of the clip that is shown at a time; the last one that begins before it. -1 where there is none.
export function clipAt({ starts }: TimelineShown, time: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

// Where a time is along the strip, 0 to 1.
export function positionOf({ starts, ends }: TimelineShown, time: number): number {
  const [begin, end] = [starts[0] ?? 0, Math.max(...ends.slice(-1), 0)];
  return end > begin ? Math.max(0, Math.min(1, (time - begin) / (end - begin))) : 0;
}
