// A game pad labels and moves. It is read only while one is connected, and acts only while the annotator has the focus.

import type { Action, Command, Move } from "./keys";

const command = (name: Command): Action => ({ do: "command", command: name });
const move = (to: Move): Action => ({ do: "move", to, extend: false });

// By the button numbers of the W3C standard layout.
const BUTTONS: Readonly<Record<number, Action>> = {
  0: command("yes"), // bottom
  1: command("no"), // right
  2: command("undo"), // left
  3: command("unsure"), // top
  5: command("play"),
  8: command("rest"),
  9: command("next"),
  12: move("up"),
  13: move("down"),
  14: move("left"),
  15: move("right"),
};

// The actions of the buttons that are down now and were not before.
export function newActions(before: readonly boolean[], now: readonly boolean[]): readonly Action[] {
  return now.flatMap((down, index) => (down && !before[index] ? (BUTTONS[index] ?? []) : []));
}

// Performs the actions of the first game pad while `isActive`; returns the function that stops it.
export function watchGamepad(
  window: Window,
  isActive: () => boolean,
  perform: (action: Action) => void,
): () => void {
  let frame = 0;
  let before: readonly boolean[] = [];
  const poll = () => {
    const pads = window.navigator.getGamepads().filter((pad) => pad !== null);
    const now = pads[0]?.buttons.map((button) => button.pressed) ?? [];
    if (isActive()) for (const action of newActions(before, now)) perform(action);
    before = now;
    frame = pads.length > 0 ? window.requestAnimationFrame(poll) : 0;
  };
  const onConnected = () => {
    if (frame === 0) frame = window.requestAnimationFrame(poll);
  };
  window.addEventListener("gamepadconnected", onConnected);
  return () => {
    window.cancelAnimationFrame(frame);
    window.removeEventListener("gamepadconnected", onConnected);
  };
}
