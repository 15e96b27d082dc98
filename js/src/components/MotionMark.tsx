// How the camera moves in a clip: an arrow, and in words what it does not say, or all of it.

import type { Motion } from "../kernel/protocol";
import { Icon } from "./icons";

export function MotionMark({ motion, full = false }: { motion: Motion; full?: boolean }) {
  const { words, direction, word } = motion;
  return (
    <span class="va-motion" title={words}>
      {direction !== null && <Icon name="move" turn={direction} />}
      <span class={full ? "va-motion-words" : "va-motion-word"}>{full ? words : word}</span>
    </span>
  );
}
