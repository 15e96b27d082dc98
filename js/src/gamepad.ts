// A game pad in the hands of whoever labels much: the cross moves, the buttons label. It is read only while one is
// plugged in and the annotator has the keyboard.

import type { Action } from "./keys";

const command = (name: Extract<Action, { do: "command" }>["command"]): Action => ({
  do: "command",
  command: name,
});
const move = (to: Extract<Action, { do: "move" }>["to"]): Action => ({ do: "move", to, extend: false });

// By the standard layout's numbers.
const BUTTONS: Readonly<Record<number, Action>> = {
  0: command("yes"), // below
  1: command("no"), // right
  2: command("undo"), // left
  3: command("unsure"), // above
  5: command("play"),
  9: command("rest"),
  12: move("up"),
  13: move("down"),
  14: move("left"),
  15: move("right"),
};

// What the buttons that went down since the last look mean.
export function pressed(before: readonly boolean[], now: readonly boolean[]): readonly Action[] {
  return now.flatMap((down, index) => (down && !before[index] ? (BUTTONS[index] ?? []) : []));
}

export function followPad(host: Window, active: () => boolean, does: (action: Action) => void): () => void {
  let frame = 0;
  let before: readonly boolean[] = [];
  const look = () => {
    const pads = host.navigator.getGamepads().filter((pad) => pad !== null);
    const now = pads[0]?.buttons.map((button) => button.pressed) ?? [];
    if (active()) for (const action of pressed(before, now)) does(action);
    before = now;
    frame = pads.length > 0 ? host.requestAnimationFrame(look) : 0;
  };
  const plugged = () => {
    if (frame === 0) frame = host.requestAnimationFrame(look);
  };
  host.addEventListener("gamepadconnected", plugged);
  return () => {
    host.cancelAnimationFrame(frame);
    host.removeEventListener("gamepadconnected", plugged);
  };
}
