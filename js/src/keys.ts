// What each key does: a pure map. Keys with Ctrl, Alt or Meta are the notebook's and the browser's.

import type { Value } from "./protocol";

export type Move = "left" | "right" | "up" | "down" | "first" | "last";

export type Action =
  | { do: "move"; to: Move; extend: boolean }
  | { do: "label"; value: Value }
  | { do: "undo" | "redo" | "play" | "search" | "help" | "escape" | "enter" }
  | { do: "feed"; index: number };

export interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

const MOVES: Readonly<Record<string, Move>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "first",
  End: "last",
};
const VALUES: Readonly<Record<string, Value>> = { y: "yes", n: "no", u: "unsure" };

export function action(event: Key): Action | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const move = MOVES[event.key];
  if (move) return { do: "move", to: move, extend: event.shiftKey };
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "z") return { do: event.shiftKey ? "redo" : "undo" };
  if (key === "?") return { do: "help" };
  if (event.shiftKey) return null;
  const value = VALUES[key];
  if (value) return { do: "label", value };
  if (/^[1-9]$/.test(key)) return { do: "feed", index: Number(key) - 1 };
  if (key === " ") return { do: "play" };
  if (key === "/") return { do: "search" };
  if (key === "Enter") return { do: "enter" };
  if (key === "Escape") return { do: "escape" };
  return null;
}

// Unmodified keys that we do not handle would still insert or cut cells of the notebook: they stop here too, except
// those that move the focus on.
export function leaks(event: Key): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey) return true;
  return event.key === "Tab" || /^F\d+$/.test(event.key);
}

// The place of a card after a move over a grid of `count` cards in `columns` columns.
export function moved(from: number, to: Move, count: number, columns: number): number {
  const target = {
    left: from - 1,
    right: from + 1,
    up: from - columns,
    down: from + columns,
    first: 0,
    last: count - 1,
  }[to];
  if (target < 0 || target >= count) return to === "down" && from < count - 1 ? count - 1 : from;
  return target;
}
