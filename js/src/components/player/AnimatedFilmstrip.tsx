// Plays a filmstrip where there is no video, and says why there is none.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Filmstrip } from "../../kernel/media";
import { FilmstripFrame } from "../cards/FilmstripFrame";

const FRAME_TIME = 140; // ms

interface Props {
  readonly filmstrip: Filmstrip;
  readonly reason: string;
  readonly rate: number;
}

export function AnimatedFilmstrip({ filmstrip, reason, rate }: Props) {
  const frame = useSignal(0);
  useEffect(() => {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const timer = setInterval(() => {
      frame.value = (frame.value + 1) % filmstrip.frames;
    }, FRAME_TIME / rate);
    return () => clearInterval(timer);
  }, [filmstrip.frames, frame, rate]);
  return (
    <>
      <FilmstripFrame filmstrip={filmstrip} frame={frame.value} />
      {reason && <span class="va-reason">{reason}</span>}
    </>
  );
}
