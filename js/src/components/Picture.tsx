// One frame of a filmstrip, whole in its box whatever its shape.

import type { Film } from "../media";

export function Picture({ film, frame }: { film: Film; frame: number }) {
  if (!film.url) return <span class="va-missing">{film.reason}</span>;
  const last = Math.max(1, film.frames - 1);
  const wide = film.width / film.height >= 16 / 9;
  return (
    <span
      class={`va-film ${wide ? "va-wide" : "va-tall"}`}
      style={{
        aspectRatio: `${film.width} / ${film.height}`,
        backgroundImage: `url("${film.url}")`,
        backgroundSize: `${film.frames * 100}% 100%`,
        backgroundPosition: `${(Math.min(frame, last) / last) * 100}% 0`,
      }}
    />
  );
}
