import { expect, it } from "vitest";
import { besideCard, playerTop } from "../../src/components/player/place";

it.each([
  [0, 293, 1184, { left: 297, width: 720 }],
  [297, 293, 1184, { left: 594, width: 590 }],
  [594, 293, 1184, { left: 0, width: 590 }],
  [891, 293, 1184, { left: 167, width: 720 }],
  [0, 384, 384, { left: 0, width: 384 }], // a single column
  [234, 230, 464, { left: 0, width: 464 }],
])("beside a card at %i of width %i in %i px", (left, width, stage, place) => {
  expect(besideCard(left, width, stage)).toEqual(place);
});

it("the player is in the row of its card, or below or above it, and never beyond the stage", () => {
  const row = (number: number) => ({ top: 186 * number, height: 182 });
  expect(playerTop(row(0), 440, 560, false)).toBe(0);
  expect(playerTop(row(2), 440, 560, false)).toBe(120);
  expect(playerTop(row(0), 260, 930, true)).toBe(186);
  expect(playerTop(row(4), 260, 930, true)).toBe(480);
  expect(playerTop(row(1), 440, 560, true)).toBe(120); // no room: over the card
});
