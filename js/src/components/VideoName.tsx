// The name of a video, cut in its middle where it is too long: what tells takes of one day apart is at its end.

import { timeRange } from "../lists/time";

const [SHORTEST, LONGEST] = [8, 24]; // characters of a tail
const SHORTEST_HEAD = 3; // characters; shorter than its dots it would be no shorter
const LAST_NUMBER = /\d+\D*(?:\.\w{1,5})?$/; // and what follows it; the digits of ".mp4" are none

// A name in two parts, the second of which begins with its last number; "" as the first of a short name.
export function headAndTail(name: string): [head: string, tail: string] {
  const letters = [...name];
  const after = [...(LAST_NUMBER.exec(name)?.[0] ?? "")].length;
  const tail = after <= LONGEST ? Math.max(SHORTEST, after) : SHORTEST;
  if (letters.length - tail < SHORTEST_HEAD) return ["", name];
  return [letters.slice(0, -tail).join(""), letters.slice(-tail).join("")];
}

export function VideoName({ name }: { name: string }) {
  const [head, tail] = headAndTail(name);
  if (!head) return <span class="va-video">{name}</span>;
  return (
    <span class="va-video va-middle" dir="auto">
      <span>{head}</span>
      <span>{tail}</span>
    </span>
  );
}

interface ClipNameProps {
  readonly video: string;
  readonly time: { readonly start: number | null; readonly end: number | null };
}

// The video and the time of a clip, beside its player.
export function ClipName({ video, time }: ClipNameProps) {
  const range = timeRange(time);
  return (
    <span class="va-clip-name">
      {video && <VideoName name={video} />}
      {range && <span class="va-clip-time">{video ? ` · ${range}` : range}</span>}
    </span>
  );
}
