// Plays the frames of a filmstrip.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const FRAME_TIME = 140; // ms

// The frame to show now: runs from `first` on through all `count` frames, again and again, while `plays` and unless the
// user has asked for no motion.
export function useFrames(count: number, first: number, plays: boolean, rate = 1): number {
  const frame = useSignal(first);
  useEffect(() => {
    frame.value = first;
    if (!plays || count < 2 || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const timer = setInterval(() => {
      frame.value = (frame.value + 1) % count;
    }, FRAME_TIME / rate);
    return () => clearInterval(timer);
  }, [count, first, plays, rate, frame]);
  return frame.value;
}
