// A video's scores over its clips: a strip for each name, the stretches that are labelled, and where the played clip is.
// A press, or an arrow key, goes to another clip.

import { useSignal } from "@preact/signals";
import { holdsNext, stripPaths, thresholdPlace } from "../../explorer/strips";
import { clipAt, positionOf } from "../../explorer/timelineState";
import type { TimelineShown, Track } from "../../kernel/explorerProtocol";
import { timeRange } from "../../lists/time";
import { numberText } from "../score";

interface Props {
  readonly shown: TimelineShown;
  readonly clip: string; // that is played
  readonly start: number | null; // of that clip, s: where many clips share a place, it may not be in `shown`
  readonly jump: (clip: string) => void;
}

export function Strips({ shown, clip, start, jump }: Props) {
  const hovered = useSignal<number | null>(null);
  const { clips, starts, ends, tracks } = shown;
  const found = clips.indexOf(clip);
  const current = found >= 0 ? found : clipAt(shown, start ?? 0);
  const goTo = (index: number) => {
    const target = clips[Math.max(0, Math.min(clips.length - 1, index))];
    if (target) jump(target);
  };
  const [begin, end] = [starts[0] ?? 0, ends.at(-1) ?? 0];
  const described = (index: number) => {
    const time = timeRange({ start: starts[index] ?? null, end: ends[index] ?? null });
    return [time, ...tracks.map((track) => describedScore(track, index, clips[index] ?? ""))].join(" · ");
  };
  const from = positionOf(shown, starts[current] ?? 0);
  const to = positionOf(shown, ends[current] ?? 0);
  return (
    <div class="va-strips" role="group" aria-label="Scores over the video">
      {tracks.map((track) => (
        <button
          type="button"
          key={track.name}
          class="va-strip-name va-quiet va-small"
          title={`${track.name}: go to the next clip where it holds`}
          onClick={() => goTo(holdsNext(track, current))}
        >
          {track.name}
        </button>
      ))}
      <div class="va-strip-area" style={{ gridRow: `1 / span ${tracks.length}` }}>
        {tracks.map((track) => (
          <Strip key={track.name} shown={shown} track={track} />
        ))}
        <span
          class="va-strip-place"
          style={{ left: `${100 * from}%`, width: `${100 * Math.max(0.002, to - from)}%` }}
        />
        <input
          type="range"
          class="va-strip-seek"
          aria-label="Clip of the video"
          aria-valuetext={described(current)}
          min={begin}
          max={Math.max(begin, end)}
          step="any"
          value={starts[current] ?? begin}
          onInput={(event) => goTo(clipAt(shown, Number(event.currentTarget.value)))}
          onKeyDown={(event) => {
            const next = {
              ArrowRight: current + 1,
              ArrowUp: current + 1,
              ArrowLeft: current - 1,
              ArrowDown: current - 1,
              Home: 0,
              End: clips.length - 1,
            }[event.key];
            if (next === undefined) return;
            event.preventDefault();
            event.stopPropagation();
            goTo(next);
          }}
          onPointerMove={(event) => {
            const { left, width } = event.currentTarget.getBoundingClientRect();
            const share = Math.max(0, Math.min(1, (event.clientX - left) / Math.max(1, width)));
            hovered.value = clipAt(shown, begin + share * (end - begin));
          }}
          onPointerLeave={() => {
            hovered.value = null;
          }}
        />
      </div>
      <span class="va-strip-text">{described(hovered.value ?? current)}</span>
    </div>
  );
}

function Strip({ shown, track }: { shown: TimelineShown; track: Track }) {
  const { low, high, yes, no, unsure } = stripPaths(shown, track);
  const threshold = thresholdPlace(track);
  return (
    <svg class="va-strip" viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
      <path class="va-strip-low" d={low} />
      <path class="va-strip-high" d={high} />
      {threshold !== null && (
        <line class="va-strip-threshold" x1="0" x2="1000" y1={threshold} y2={threshold} />
      )}
      <path class="va-strip-yes" d={yes} />
      <path class="va-strip-no" d={no} />
      <path class="va-strip-unsure" d={unsure} />
    </svg>
  );
}

function describedScore({ name, scores, labels }: Track, index: number, clip: string): string {
  const score = scores[index] ?? null;
  const label = labels[clip];
  return `${name} ${score === null ? "–" : numberText(score)}${label ? ` (${label})` : ""}`;
}
