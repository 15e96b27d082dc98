// The picture of a card: its filmstrip, which the pointer scrubs. A component of its own: scrubbing and playing render
// only this part again, at most once a frame of the screen.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Media } from "../../kernel/media";
import { useFrames } from "../frames";
import { FilmstripFrame } from "./FilmstripFrame";
import { isBlurred } from "./layout";

interface Props {
  readonly media: Media;
  readonly clip: string;
  readonly width: number; // px
  readonly plays: boolean;
}

export function Thumb({ media, clip, plays, width }: Props) {
  const filmstrip = media.filmstrip(clip).value;
  const needsWide = filmstrip.url !== "" && isBlurred(width, filmstrip);
  const wide = needsWide ? media.wideFilmstrip(clip).value : undefined;
  const scrubbed = useSignal<number | null>(null); // share of the width at which the pointer is
  const request = useRef(0);
  useEffect(() => () => cancelAnimationFrame(request.current), []);
  const { frames } = filmstrip;
  const played = useFrames(frames, Math.floor(frames / 2), plays);
  // The pointer may be there before the filmstrip is, so that the frame is found whenever this is drawn.
  const share = scrubbed.value;
  const frame = share === null ? played : Math.max(0, Math.min(frames - 1, Math.floor(share * frames)));
  return (
    <div
      class="va-thumb"
      data-frame={frame}
      onPointerMove={(event) => {
        const thumb = event.currentTarget;
        const x = event.clientX;
        cancelAnimationFrame(request.current);
        request.current = requestAnimationFrame(() => {
          const { left, width } = thumb.getBoundingClientRect();
          scrubbed.value = (x - left) / Math.max(1, width);
        });
      }}
      onPointerLeave={() => {
        cancelAnimationFrame(request.current);
        scrubbed.value = null;
      }}
    >
      <FilmstripFrame filmstrip={filmstrip} frame={frame} wide={wide} />
    </div>
  );
}
