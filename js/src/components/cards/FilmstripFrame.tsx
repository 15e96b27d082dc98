// One frame of a filmstrip, fitted into a 16:9 box whatever its shape.

import type { Filmstrip } from "../../kernel/media";

interface Props {
  readonly filmstrip: Filmstrip;
  readonly frame: number;
  readonly wide?: Filmstrip | undefined; // of the same frames, larger; covers the other one once it is there
}

export function FilmstripFrame({ filmstrip, frame, wide: larger }: Props) {
  if (!filmstrip.url) return <span class="va-missing">{filmstrip.reason}</span>;
  const last = Math.max(1, filmstrip.frames - 1);
  const wide = filmstrip.width / filmstrip.height >= 16 / 9;
  return (
    <span
      class={`va-film ${wide ? "va-wide" : "va-tall"}`}
      style={{
        aspectRatio: `${filmstrip.width} / ${filmstrip.height}`,
        backgroundImage: [larger?.url, filmstrip.url].flatMap((url) => (url ? `url("${url}")` : [])).join(),
        backgroundSize: `${filmstrip.frames * 100}% 100%`,
        backgroundPosition: `${(Math.min(frame, last) / last) * 100}% 0`,
      }}
    />
  );
}
