// The state of a view's player.

import { type Signal, signal } from "@preact/signals";

// What keys and buttons do to the video that is shown.
export interface Playback {
  toggle(): void;
  step(frames: number): void;
}

const RATES: readonly number[] = [0.5, 1, 1.5, 2];

export class PlayerState {
  readonly open = signal(false);
  readonly rate: Signal<number> = signal(1);
  readonly loop = signal(true);
  readonly context = signal(false); // whether what is before and after the clip is shown, too
  readonly playing = signal(false); // the video is running
  playback: Playback | null = null; // null while there is no video

  changeRate(steps: number): void {
    const index = RATES.indexOf(this.rate.value);
    this.rate.value = RATES[Math.max(0, Math.min(RATES.length - 1, index + steps))] ?? 1;
  }
}
