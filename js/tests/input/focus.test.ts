import { afterEach, expect, it, vi } from "vitest";
import { keepFocus } from "../../src/input/focus";
import { settle } from "../goldenKernel";

afterEach(() => {
  document.body.innerHTML = "";
});

function open() {
  document.body.innerHTML = "<button id=outside></button><div><button id=inside></button><i></i></div>";
  const root = document.querySelector("div") as HTMLDivElement;
  const [inside, outside] = ["#inside", "#outside"].map((id) => document.querySelector(id));
  const focusHome = vi.fn();
  const stop = keepFocus(root, focusHome);
  return {
    root,
    inside: inside as HTMLButtonElement,
    outside: outside as HTMLButtonElement,
    focusHome,
    stop,
  };
}

it("the focus goes home when the element that has it is removed or disabled", async () => {
  const { inside, outside, focusHome, stop } = open();
  inside.focus();
  inside.disabled = true;
  await settle();
  expect(focusHome).toHaveBeenCalledTimes(1);
  inside.disabled = false;
  outside.focus();
  inside.focus();
  inside.remove();
  await settle();
  expect(focusHome).toHaveBeenCalledTimes(2);
  stop();
});

it("a focus that the user has put elsewhere stays there", async () => {
  const { root, inside, outside, focusHome, stop } = open();
  inside.focus();
  outside.focus();
  await settle();
  inside.remove();
  await settle();
  root.querySelector("i")?.remove();
  await settle();
  expect(focusHome).not.toHaveBeenCalled();
  stop();
});
