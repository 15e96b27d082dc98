import { expect, it } from "vitest";
import { newActions } from "../../src/input/gamepad";

const down = (...buttons: number[]) => Array.from({ length: 16 }, (_, i) => buttons.includes(i));

it("a game pad's buttons label and move once a press", () => {
  expect(newActions(down(), down(0))).toEqual([{ do: "command", command: "yes" }]);
  expect(newActions(down(0), down(0, 1))).toEqual([{ do: "command", command: "no" }]);
  expect(newActions(down(1), down(1))).toEqual([]);
  expect(newActions([], down(15, 7))).toEqual([{ do: "move", to: "right", extend: false }]);
  expect(newActions(down(3), [])).toEqual([]); // disconnected
});
