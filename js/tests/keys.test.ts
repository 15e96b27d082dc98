import { describe, expect, it } from "vitest";
import { action, leaks, moved } from "../src/keys";

const key = (name: string, ...held: string[]) => ({
  key: name,
  shiftKey: held.includes("shift"),
  ctrlKey: held.includes("ctrl"),
  altKey: held.includes("alt"),
  metaKey: held.includes("meta"),
});

describe("keys", () => {
  it.each([
    [key("y"), { do: "label", value: "yes" }],
    [key("N"), { do: "label", value: "no" }],
    [key("u"), { do: "label", value: "unsure" }],
    [key("z"), { do: "undo" }],
    [key("Z", "shift"), { do: "redo" }],
    [key("ArrowLeft"), { do: "move", to: "left", extend: false }],
    [key("ArrowDown", "shift"), { do: "move", to: "down", extend: true }],
    [key("3"), { do: "feed", index: 2 }],
    [key(" "), { do: "play" }],
    [key("/"), { do: "search" }],
    [key("?", "shift"), { do: "help" }],
    [key("Enter"), { do: "enter" }],
    [key("Escape"), { do: "escape" }],
  ])("%j", (event, expected) => {
    expect(action(event)).toEqual(expected);
    expect(leaks(event)).toBe(false);
  });

  it.each([key("s", "ctrl"), key("z", "meta"), key("Enter", "shift"), key("y", "alt"), key("x"), key("b")])(
    "%j means nothing to us",
    (event) => {
      expect(action(event)).toBeNull();
    },
  );

  it("lets the browser's and the notebook's own keys through, and no letter", () => {
    for (const event of [key("s", "ctrl"), key("Tab"), key("Tab", "shift"), key("F5")])
      expect(leaks(event)).toBe(true);
    for (const event of [key("x"), key("b"), key("d"), key("Enter", "shift")])
      expect(leaks(event)).toBe(false);
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
    expect(moved(from, to, 7, 3)).toBe(expected);
  });

  it("stays at the start of an empty page", () => {
    for (const to of ["left", "right", "up", "down"] as const) expect(moved(0, to, 0, 3)).toBe(0);
  });
});
