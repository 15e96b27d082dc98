// Whether clips are heard: one wish for all clips and players of the page.

import { signal } from "@preact/signals";

export const muted = signal(false);

export function toggleMuted(): void {
  muted.value = !muted.value;
}

// A browser may refuse sound before the person has pressed anything, and then plays it muted, as the button shows; or
// it refuses all, and the first frame stays.
export async function play(video: Pick<HTMLVideoElement, "muted" | "play" | "pause">): Promise<void> {
  try {
    await video.play();
  } catch (error) {
    if (video.muted || !(error instanceof DOMException) || error.name !== "NotAllowedError") {
      video.pause();
      return;
    }
    muted.value = true;
    video.muted = true;
    await video.play().catch(() => video.pause());
  }
}
