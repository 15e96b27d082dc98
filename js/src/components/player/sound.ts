// Plays videos and mutes them. The setting holds for all clips of an annotator: hosts load this module once for each.

import { signal } from "@preact/signals";

export const muted = signal(false);

export const PLAYER_CLASS = "va-player"; // of the video elements of all annotators

export const SUPERSEDED = "va-superseded"; // the event of a video when another one begins to play

// Pauses the other videos on the page, so that two are never heard at the same time. Another annotator has its own
// copy of this module, so its video is found by its class. The event reaches also a video that is paused while it is
// scrolled away: it must not go on when it is scrolled back.
export function pauseOthers(video: HTMLVideoElement): void {
  for (const other of document.querySelectorAll<HTMLVideoElement>(`video.${PLAYER_CLASS}`)) {
    if (other === video) continue;
    other.pause();
    other.dispatchEvent(new Event(SUPERSEDED));
  }
}

// Browsers refuse to play sound before the user has pressed anything: the video then plays muted, and the button shows
// it. If the browser refuses to play at all, the video stays at its first frame.
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
