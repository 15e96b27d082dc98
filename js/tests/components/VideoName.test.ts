import { expect, it } from "vitest";
import { headAndTail } from "../../src/components/VideoName";

it.each([
  ["a.mp4", "", "a.mp4"],
  ["a-0003.mp4", "", "a-0003.mp4"],
  ["demo-0003.mp4", "demo-", "0003.mp4"],
  [
    "Rushes 2024-11-03 camera B, reel 0007 (graded).mov",
    "Rushes 2024-11-03 camera B, reel ",
    "0007 (graded).mov",
  ],
  ["a day at the harbour, take 7.mp4", "a day at the harbour, ta", "ke 7.mp4"],
  ["no number in this long name.mp4", "no number in this long ", "name.mp4"],
  ["7 is long before the end of this name.mov", "7 is long before the end of this ", "name.mov"],
  ["🌙🌙🌙🌙🌙🌙🌙🌙🌙🌙🌙", "🌙🌙🌙", "🌙🌙🌙🌙🌙🌙🌙🌙"],
])("the name %s is cut before its last number, or near its end", (name, head, tail) => {
  expect(headAndTail(name)).toEqual([head, tail]);
});
