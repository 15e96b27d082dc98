// How the camera moves in a clip: an arrow, and in words what it does not say, or all of it.

import type { Motion } from "../kernel/protocol";
import { Icon } from "./icons";

export function MotionMark({ motion, full = false }: { motion: Motion; full?: boolean }) {
  return (
    <span class="va-motion" title={motion.words}>
      {motion.direction !== null && (
        <span class="va-arrow" style={{ transform: `rotate(${motion.direction}deg)` }}>
          <Icon name="move" />
        </span>
      )}
      {full ? motion.words : motion.word}
    </span>
  );
}
