import { describe, expect, it } from "vitest";
import {
  actionOf,
  COMMAND_NAMES,
  indexAfter,
  isBindable,
  isHostKey,
  keyName,
  keyOf,
  keyText,
  readKeys,
  rebind,
  repeats,
} from "../../src/input/keys";

const key = (name: string, ...held: string[]) => ({
  key: name,
  code: "",
  shiftKey: held.includes("shift"),
  ctrlKey: held.includes("ctrl"),
  altKey: held.includes("alt"),
  metaKey: held.includes("meta"),
});

describe("keys", () => {
  it.each([
    [key("y"), "yes"],
    [key("Y"), "yes"], // Caps Lock
    [key("n"), "no"],
    [key("u"), "unsure"],
    [key("Backspace"), "clear"],
    [key("z"), "undo"],
    [key("Z", "shift"), "redo"],
    [key("1"), "suggested"],
    [key("3"), "borderline"],
    [key("5"), "top_negative"],
    [key(" "), "play"],
    [key("/"), "search"],
    [key("?", "shift"), "help"],
    [key("<", "shift"), "slower"],
    [key("Enter"), "next"],
    [key("r"), "rest"],
    [key("a"), "alike"],
    [key("m"), "mute"],
  ])("%j is a command", (event, command) => {
    expect(actionOf(event, {})).toEqual({ do: "command", command });
    expect(isHostKey(event)).toBe(false);
  });

  // What Chromium reports for these keys, as [layout or input method, key, code, Shift].
  it.each([
    ["Korean", "ㅛ", "KeyY", "yes"],
    ["Korean", "ㅜ", "KeyN", "no"],
    ["Korean", "ㅕ", "KeyU", "unsure"],
    ["Korean, an input method", "Process", "KeyY", "yes"],
    ["an input method", "Process", "Space", "play"],
    ["an input method", "Process", "Enter", "next"],
    ["Japanese kana", "ん", "KeyY", "yes"],
    ["Japanese, full width", "ｙ", "KeyY", "yes"],
    ["Japanese, full width", "　", "Space", "play"],
    ["Japanese, full width", "１", "Digit1", "suggested"],
    ["Russian", "н", "KeyY", "yes"],
    ["Russian", "т", "KeyN", "no"],
    ["Russian", "Я", "KeyZ", "redo", "shift"],
    ["Russian", "ю", "Period", "on"],
    ["Russian", ".", "Slash", "on"],
    ["Greek", "υ", "KeyY", "yes"],
    ["AZERTY", "z", "KeyW", "undo"],
    ["AZERTY", "a", "KeyQ", "alike"],
    ["AZERTY", "m", "Semicolon", "mute"],
    ["AZERTY", ",", "KeyM", "back"],
    ["AZERTY", "&", "Digit1", "suggested"],
    ["AZERTY", "é", "Digit2", "top_positive"],
    ["AZERTY", "1", "Digit1", "suggested", "shift"],
    ["AZERTY", "?", "KeyM", "help", "shift"],
    ["QWERTZ", "y", "KeyZ", "yes"],
    ["QWERTZ", "z", "KeyY", "undo"],
    ["Dvorak", "n", "KeyL", "no"],
  ])("of %s: %s at %s is %s", (_, name, code, command, ...held) => {
    expect(actionOf({ ...key(name, ...held), code }, {})).toEqual({ do: "command", command });
  });

  it.each([
    ["AZERTY", "q", "KeyA"],
    ["AZERTY", "!", "Slash"],
    ["AZERTY", "w", "KeyZ"],
    ["Dvorak", "b", "KeyN"],
    ["German", "ß", "Minus"],
    ["a phone", "Unidentified", ""],
    ["a dead key", "Dead", "Quote"],
  ])("of %s: %s at %s does nothing", (_, name, code) => {
    expect(actionOf({ ...key(name), code }, {})).toBeNull();
  });

  it("that are held down label and move on, but open no page and answer no question", () => {
    const held = ["y", "z", "ArrowLeft", "r", "Enter", "a", "?"].filter((name) => {
      const action = actionOf(key(name), {});
      return action && repeats(action);
    });
    expect(held).toEqual(["y", "z", "ArrowLeft"]);
  });

  it("hidden by an input method still move, escape and are reserved", () => {
    const hidden = (code: string) => ({ ...key("Process"), code });
    expect(actionOf(hidden("ArrowLeft"), {})).toEqual({ do: "move", to: "left", extend: false });
    expect(actionOf(hidden("Escape"), {})).toEqual({ do: "escape" });
    expect(isBindable(hidden("Escape"))).toBe(false);
  });

  it("that move, extend and escape cannot be changed", () => {
    const keys = { yes: "j" };
    expect(actionOf(key("ArrowLeft"), keys)).toEqual({ do: "move", to: "left", extend: false });
    expect(actionOf(key("ArrowDown", "shift"), keys)).toEqual({ do: "move", to: "down", extend: true });
    expect(actionOf(key("Escape"), keys)).toEqual({ do: "escape" });
  });

  it.each([key("s", "ctrl"), key("z", "meta"), key("Enter", "shift"), key("y", "alt"), key("k"), key("b")])(
    "%j does nothing",
    (event) => {
      expect(actionOf(event, {})).toBeNull();
    },
  );

  it("leaves their own keys to browser and notebook, but no letter", () => {
    for (const event of [key("s", "ctrl"), key("Tab"), key("Tab", "shift"), key("F5")])
      expect(isHostKey(event)).toBe(true);
    for (const event of [key("x"), key("b"), key("d"), key("Enter", "shift")])
      expect(isHostKey(event)).toBe(false);
  });
});

describe("keys that the user has changed", () => {
  it("replace the defaults, and are swapped with the command that had them", () => {
    const keys = rebind({}, "yes", "1");
    expect(actionOf(key("1"), keys)).toEqual({ do: "command", command: "yes" });
    expect(actionOf(key("y"), keys)).toEqual({ do: "command", command: "suggested" });
    expect(rebind(keys, "yes", "y")).toEqual({});
  });

  it("are stored by their Latin letter, whatever script is typed; former ones of another script still work", () => {
    const typed = { ...key("д"), code: "KeyL" };
    expect(keyName(typed)).toBe("l");
    expect(actionOf(key("l"), rebind({}, "yes", keyName(typed)))).toEqual({ do: "command", command: "yes" });
    expect(actionOf(typed, { yes: "д" })).toEqual({ do: "command", command: "yes" });
  });

  it("leave no command without a key, and no two with the same", () => {
    let keys = {};
    for (const [command, own] of [
      ["yes", "n"],
      ["no", "u"],
      ["next", " "],
      ["yes", "Shift+z"],
    ] as const)
      keys = rebind(keys, command, own);
    const all = COMMAND_NAMES.map((command) => keyOf(command, keys));
    expect(new Set(all).size).toBe(COMMAND_NAMES.length);
  });

  it.each([key("Escape"), key("Tab"), key("ArrowUp"), key("F5"), key("Shift", "shift"), key("s", "ctrl")])(
    "cannot be %j",
    (event) => {
      expect(isBindable(event)).toBe(false);
    },
  );

  it("are read without entries that make no sense", () => {
    expect(readKeys({ yes: "j", no: 3, dance: "d" })).toEqual({ yes: "j" });
    expect(readKeys("yes")).toEqual({});
  });

  it("are shown as they are printed on keyboards", () => {
    expect([" ", "Shift+z", "Enter", "y"].map(keyText)).toEqual(["Space", "Shift Z", "⏎", "Y"]);
  });
});

describe("moves over a grid of 7 cards in 3 columns", () => {
  it.each([
    [0, "right", 1],
    [0, "left", 0],
    [1, "down", 4],
    [4, "down", 6],
    [5, "down", 6],
    [6, "down", 6],
    [4, "up", 1],
    [1, "up", 1],
    [3, "first", 0],
    [3, "last", 6],
  ] as const)("from %i %s to %i", (from, to, expected) => {
    expect(indexAfter(to, from, 7, 3)).toBe(expected);
  });

  it("stays at the start of an empty page", () => {
    for (const to of ["left", "right", "up", "down"] as const) expect(indexAfter(to, 0, 0, 3)).toBe(0);
  });
});
