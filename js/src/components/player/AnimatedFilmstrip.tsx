// Plays a filmstrip where there is no video, and says why there is none.

import type { Filmstrip } from "../../kernel/media";
import { FilmstripFrame } from "../cards/FilmstripFrame";
import { useFrames } from "../frames";

interface Props {
  readonly filmstrip: Filmstrip;
  readonly reason: string;
  readonly rate: number;
}

export function AnimatedFilmstrip({ filmstrip, reason, rate }: Props) {
  const frame = useFrames(filmstrip.frames, 0, true, rate);
  return (
    <>
      <FilmstripFrame filmstrip={filmstrip} frame={frame} />
      {reason && <span class="va-reason">{reason}</span>}
    </>
  );
}
