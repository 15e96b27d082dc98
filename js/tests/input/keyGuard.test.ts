import { expect, it } from "vitest";
import { guardKeys } from "../../src/input/keyGuard";

it("Lumino ignores the keys that the annotator handles, and no others", () => {
  document.body.innerHTML = "<div><button></button></div><i></i>";
  const [root, button, outside] = ["div", "button", "i"].map((name) => document.querySelector(name));
  if (!root || !button || !outside) throw new Error("an element is missing");
  const isSuppressed = (target: Element, init: KeyboardEventInit): boolean => {
    let suppressed = false;
    const look = () => {
      suppressed = target.hasAttribute("data-lm-suppress-shortcuts");
    };
    document.addEventListener("keydown", look, true);
    target.dispatchEvent(new KeyboardEvent("keydown", { ...init, bubbles: true, composed: true }));
    document.removeEventListener("keydown", look, true);
    return suppressed;
  };
  const stop = guardKeys(window, root);
  expect(isSuppressed(button, { key: "y" })).toBe(true);
  expect(isSuppressed(button, { key: "s", ctrlKey: true })).toBe(false);
  expect(isSuppressed(button, { key: "b" })).toBe(true);
  expect(isSuppressed(button, { key: "Escape", isComposing: true })).toBe(true);
  expect(isSuppressed(button, { key: "Escape" })).toBe(false);
  expect(isSuppressed(outside, { key: "b" })).toBe(false);
  expect(isSuppressed(button, { key: "F5" })).toBe(false);
  stop();
  expect(isSuppressed(button, { key: "b" })).toBe(false);
});
