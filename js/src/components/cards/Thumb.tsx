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
  const scrubbed = useSignal<number | null>(null); // the frame under the pointer
  const request = useRef(0);
  useEffect(() => () => cancelAnimationFrame(request.current), []);
  const played = useFrames(filmstrip.frames, Math.floor(filmstrip.frames / 2), plays);
  const frame = scrubbed.value ?? played;
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
          const position = (x - left) / Math.max(1, width);
          const { frames } = filmstrip;
          scrubbed.value = Math.max(0, Math.min(frames - 1, Math.floor(position * frames)));
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
