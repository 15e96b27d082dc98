// Which key does what, as pure functions. Keys with Ctrl, Alt or Meta are left to the notebook and the browser.

export type Move = "left" | "right" | "up" | "down" | "first" | "last";

// The part of a KeyboardEvent that decides what it does.
export interface Key {
  readonly key: string; // what the keyboard layout and the input method make of it
  readonly code: string; // its position, named as on a US keyboard; "" if the browser does not know it
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

// Each command's default key and description, in the order in which the help lists them.
export const COMMANDS = {
  yes: ["y", "yes, and on"],
  no: ["n", "no, and on"],
  unsure: ["u", "unsure, and on"],
  clear: ["Backspace", "take the label back"],
  next: ["Enter", "next page"],
  rest: ["r", "the rest of the page is no"],
  undo: ["z", "undo"],
  redo: ["Shift+z", "redo"],
  remark: ["t", "note and tags, such as why it is a no"],
  tag_1: ["6", "your first tag"],
  tag_2: ["7", "your second tag"],
  tag_3: ["8", "your third tag"],
  tag_4: ["9", "your fourth tag"],
  tag_5: ["0", "your fifth tag"],
  guideline: ["g", "read the guideline in full"],
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
  assigned: ["d", "feed: assigned"],
  second_reading: ["s", "feed: second reading"],
  alike: ["a", "more like this"],
  return: ["Shift+a", "back from more like this"],
  search: ["/", "search"],
  help: ["?", "keys and help"],
} as const;

export type Command = keyof typeof COMMANDS;
export type Keys = Readonly<Partial<Record<Command, string>>>; // the keys that the user has changed

export type Action =
  | { do: "move"; to: Move; extend: boolean }
  | { do: "escape" }
  | { do: "command"; command: Command };

// The commands that a key which is held down gives again and again. The others would go further than the user has seen.
const REPEATED: readonly Command[] = [
  "yes",
  "no",
  "unsure",
  "undo",
  "redo",
  "back",
  "on",
  "slower",
  "faster",
];

export const repeats = (action: Action): boolean =>
  action.do === "move" || (action.do === "command" && REPEATED.includes(action.command));

export const COMMAND_NAMES = Object.keys(COMMANDS) as Command[];

const MOVES: Readonly<Record<string, Move>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "first",
  End: "last",
};
// Keys that no command can have.
const RESERVED = new Set([
  ...Object.keys(MOVES),
  "Escape",
  "Tab",
  "Shift",
  "Control",
  "Alt",
  "Meta",
  "CapsLock",
]);

// What a US keyboard types at the positions that carry no letter or digit, without and with Shift.
const PUNCTUATION: Readonly<Record<string, string>> = { Comma: ",<", Period: ".>", Slash: "/?" };

// A key's name, by which keys are stored and compared: letters in lower case whatever Caps Lock says. What is printed on
// the key counts where it is a Latin letter or a sign of ASCII, otherwise the position: an input method of another
// script reports "ㅛ" or "Process" for the key Y.
export function keyName(event: Key): string {
  const printed = printedKey(event);
  return /^[ -~]$/.test(event.key.normalize("NFKC")) ? printed : (keyAtPosition(event) ?? printed);
}

function printedKey({ key, shiftKey }: Key): string {
  const wide = key.normalize("NFKC"); // Japanese input methods type letters, digits and spaces in full width
  const char = wide.length === 1 ? wide : key;
  const isLetter = char.length === 1 && char.toLowerCase() !== char.toUpperCase();
  if (isLetter) return (shiftKey ? "Shift+" : "") + char.toLowerCase();
  return char.length > 1 && shiftKey ? `Shift+${char}` : char;
}

// The name of what a US keyboard has at the position of a key; undefined if that is nothing a command may have.
function keyAtPosition({ key, code, shiftKey }: Key): string | undefined {
  const isTaken = key === "Process" || key === "Unidentified"; // by an input method; otherwise `key` says what it is
  if (isTaken && /^(Enter|Backspace)$/.test(code)) return (shiftKey ? "Shift+" : "") + code;
  if (isTaken && code === "Space") return " ";
  if (/^Key[A-Z]$/.test(code)) return (shiftKey ? "Shift+" : "") + code.slice(3).toLowerCase();
  if (/^Digit\d$/.test(code)) return shiftKey ? undefined : code.slice(5);
  return PUNCTUATION[code]?.[shiftKey ? 1 : 0];
}

// The names of a key, the first one first: what is printed on it, what is at its position if that is no ASCII, and the
// digit at its position, because French and Czech layouts type digits only with Shift.
function namesOf(event: Key): readonly string[] {
  const digit = event.code.startsWith("Digit") ? keyAtPosition(event) : undefined;
  return [printedKey(event), keyName(event), ...(digit ? [digit] : [])];
}

// The fixed part of a key's name, even while an input method hides it.
const fixedKey = ({ key, code }: Key): string => (key === "Process" ? code : key);

// Whether an input method is composing a word with this key, so that it must do nothing else. Safari reports the Enter
// that ends a word only by the key code.
export const isComposing = (event: { isComposing: boolean; keyCode: number }): boolean =>
  event.isComposing || event.keyCode === 229;

// A key's name as the page shows it.
export function keyText(name: string): string {
  const special: Readonly<Record<string, string>> = { " ": "Space", Enter: "⏎", Backspace: "⌫" };
  const key = name.replace("Shift+", "");
  const text = special[key] ?? (key.length === 1 ? key.toUpperCase() : key);
  return name.startsWith("Shift+") ? `Shift ${text}` : text;
}

// The name of a command's key.
export const keyOf = (command: Command, keys: Keys): string => keys[command] ?? COMMANDS[command][0];

// The key of a command as the page shows it.
export const shortcut = (command: Command, keys: Keys): string => keyText(keyOf(command, keys));

// What a key does; null if nothing.
export function actionOf(event: Key, keys: Keys): Action | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const fixed = fixedKey(event);
  const move = MOVES[fixed];
  if (move) return { do: "move", to: move, extend: event.shiftKey };
  if (fixed === "Escape") return { do: "escape" };
  for (const pressed of namesOf(event)) {
    const command = COMMAND_NAMES.find((name) => keyOf(name, keys) === pressed);
    if (command) return { do: "command", command };
  }
  return null;
}

// Whether a command can have this key.
export function isBindable(event: Key): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  return !RESERVED.has(fixedKey(event)) && !/^F\d+$/.test(event.key);
}

// Gives a command another key. A command that had that key gets the former one in exchange.
export function rebind(keys: Keys, command: Command, key: string): Keys {
  const former = keyOf(command, keys);
  const owner = COMMAND_NAMES.find((name) => keyOf(name, keys) === key);
  const all = { ...keys, ...(owner ? { [owner]: former } : {}), [command]: key };
  return Object.fromEntries(
    Object.entries(all).filter(([name, own]) => COMMANDS[name as Command][0] !== own),
  );
}

// The user's keys from an unchecked value, without entries that make no sense.
export function readKeys(value: unknown): Keys {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(([name, key]) => name in COMMANDS && typeof key === "string" && key !== ""),
  );
}

// Whether a key is left to the notebook and the browser. All others stop at the annotator, even those without a
// command: the notebook would insert or cut cells (B, X).
export function isHostKey(event: Key): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey) return true;
  return event.key === "Tab" || /^F\d+$/.test(event.key);
}

// The index that a move leads to from index `from`, in a grid of `count` cards in `columns` columns.
export function indexAfter(move: Move, from: number, count: number, columns: number): number {
  const target = {
    left: from - 1,
    right: from + 1,
    up: from - columns,
    down: from + columns,
    first: 0,
    last: count - 1,
  }[move];
  if (target < 0 || target >= count) return move === "down" && from < count - 1 ? count - 1 : from;
  return target;
}
