// Whether clips are heard: one wish for all clips of an annotator, as hosts load this module once for each.

import { signal } from "@preact/signals";

export const muted = signal(false);

export function toggleMuted(): void {
  muted.value = !muted.value;
}

export const PLAYER = "va-player"; // the class of our videos

// One that plays has the page to itself: another annotator's would be heard at the same time. Those are found by their
// class, because they have a module of their own.
export function pauseOthers(video: HTMLVideoElement): void {
  for (const other of document.querySelectorAll<HTMLVideoElement>(`video.${PLAYER}`))
    if (other !== video) other.pause();
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
