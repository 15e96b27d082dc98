import { expect, it } from "vitest";
import { guardKeys } from "../../src/input/keyGuard";

it("who hears keys before us is told to leave ours alone, and none of the notebook's", () => {
  document.body.innerHTML = "<div><button></button></div><i></i>";
  const [root, button, outside] = ["div", "button", "i"].map((name) => document.querySelector(name));
  if (!root || !button || !outside) throw new Error("the page is not there");
  const quiet = (target: Element, init: KeyboardEventInit): boolean => {
    let found = false;
    const look = () => {
      found = target.hasAttribute("data-lm-suppress-shortcuts");
    };
    document.addEventListener("keydown", look, true);
    target.dispatchEvent(new KeyboardEvent("keydown", { ...init, bubbles: true, composed: true }));
    document.removeEventListener("keydown", look, true);
    return found;
  };
  const stop = guardKeys(window, root);
  expect(quiet(button, { key: "y" })).toBe(true);
  expect(quiet(button, { key: "s", ctrlKey: true })).toBe(false);
  expect(quiet(button, { key: "b" })).toBe(true);
  expect(quiet(button, { key: "Escape" })).toBe(false);
  expect(quiet(outside, { key: "b" })).toBe(false);
  stop();
  expect(quiet(button, { key: "b" })).toBe(false);
});
