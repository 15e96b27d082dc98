// What each key does: a pure map. Keys with Ctrl, Alt or Meta are the notebook's and the browser's.

export type Move = "left" | "right" | "up" | "down" | "first" | "last";

export interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

// Every command with its key and what it does, in the order in which the help shows them. A person may give each of
// them another key.
export const COMMANDS = {
  yes: ["y", "yes, and on"],
  no: ["n", "no, and on"],
  unsure: ["u", "unsure, and on"],
  clear: ["Backspace", "take the label back"],
  rest: ["Enter", "the rest of the page is no; next page"],
  undo: ["z", "undo"],
  redo: ["Shift+z", "redo"],
  pick: ["x", "select or let go, one by one"],
  play: [" ", "open the player; play, pause"],
  back: [",", "one frame back"],
  on: [".", "one frame on"],
  slower: ["<", "slower"],
  faster: [">", "faster"],
  loop: ["l", "loop"],
  context: ["c", "2 s before and after"],
  mute: ["m", "mute"],
  suggested: ["1", "feed: suggested"],
  top_positive: ["2", "feed: top +"],
  borderline: ["3", "feed: borderline"],
  random: ["4", "feed: random"],
  top_negative: ["5", "feed: top −"],
  alike: ["a", "more like this"],
  search: ["/", "search"],
  help: ["?", "keys and help"],
} as const;

export type Command = keyof typeof COMMANDS;
export type Keys = Readonly<Partial<Record<Command, string>>>; // only what the person has changed

export type Action =
  | { do: "move"; to: Move; extend: boolean }
  | { do: "escape" }
  | { do: "command"; command: Command };

export const NAMES = Object.keys(COMMANDS) as Command[];

const MOVES: Readonly<Record<string, Move>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "first",
  End: "last",
};
const FIXED = new Set([
  ...Object.keys(MOVES),
  "Escape",
  "Tab",
  "Shift",
  "Control",
  "Alt",
  "Meta",
  "CapsLock",
]);

// A key as it is kept and compared: letters without regard to Caps Lock, signs as they are printed.
export function spell(event: Key): string {
  const { key, shiftKey } = event;
  const letter = key.length === 1 && key.toLowerCase() !== key.toUpperCase();
  if (letter) return (shiftKey ? "Shift+" : "") + key.toLowerCase();
  return key.length > 1 && shiftKey ? `Shift+${key}` : key;
}

// A key as a person reads it.
export function shown(key: string): string {
  const names: Readonly<Record<string, string>> = { " ": "Space", Enter: "⏎", Backspace: "⌫" };
  const sign = key.replace("Shift+", "");
  const name = names[sign] ?? (sign.length === 1 ? sign.toUpperCase() : sign);
  return key.startsWith("Shift+") ? `Shift ${name}` : name;
}

export const keyOf = (command: Command, keys: Keys): string => keys[command] ?? COMMANDS[command][0];

export function action(event: Key, keys: Keys): Action | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const move = MOVES[event.key];
  if (move) return { do: "move", to: move, extend: event.shiftKey };
  if (event.key === "Escape") return { do: "escape" };
  const spelled = spell(event);
  const command = NAMES.find((name) => keyOf(name, keys) === spelled);
  return command ? { do: "command", command } : null;
}

// Whether a command may have this key.
export function bindable(event: Key): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  return !FIXED.has(event.key) && !/^F\d+$/.test(event.key);
}

// Gives a command another key; a command that had it gets the former one.
export function rebind(keys: Keys, command: Command, key: string): Keys {
  const former = keyOf(command, keys);
  const owner = NAMES.find((name) => keyOf(name, keys) === key);
  const all = { ...keys, ...(owner ? { [owner]: former } : {}), [command]: key };
  return Object.fromEntries(
    Object.entries(all).filter(([name, own]) => COMMANDS[name as Command][0] !== own),
  );
}

export function readKeys(kept: unknown): Keys {
  if (typeof kept !== "object" || kept === null) return {};
  return Object.fromEntries(
    Object.entries(kept).filter(([name, key]) => name in COMMANDS && typeof key === "string" && key !== ""),
  );
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
