import { expect, it } from "vitest";
import { pressed } from "../src/gamepad";

const down = (...buttons: number[]) => Array.from({ length: 16 }, (_, i) => buttons.includes(i));

it("a game pad's buttons label and move once a press", () => {
  expect(pressed(down(), down(0))).toEqual([{ do: "command", command: "yes" }]);
  expect(pressed(down(0), down(0, 1))).toEqual([{ do: "command", command: "no" }]);
  expect(pressed(down(1), down(1))).toEqual([]);
  expect(pressed([], down(15, 7))).toEqual([{ do: "move", to: "right", extend: false }]);
  expect(pressed(down(3), [])).toEqual([]); // pulled out
});
