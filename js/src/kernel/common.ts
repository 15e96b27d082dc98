// What the messages of the annotator and those of the explorer have in common.

import { type Check, isBoolean, isNumber, isObject, isString, listOf, oneOf, orNull, shape } from "./checks";

export const VALUES = ["yes", "no", "unsure"] as const;
export type Value = (typeof VALUES)[number];
export type Labels = Readonly<Record<string, Value | null>>;

// How the camera moves in a clip.
export interface Motion {
  readonly words: string;
  readonly direction: number | null; // of an arrow, in degrees clockwise from the right
  readonly word: string; // what the arrow does not say
}

export interface ConceptShown extends Readonly<Record<Value, number>> {
  readonly concept: string;
  readonly annotators: number; // who have labels; the numbers are of all of them together
  readonly empty: boolean; // neither labelled nor described nor shown now: it can be forgotten
  readonly archived: boolean; // shown only when it is asked for
}

export const isValue = oneOf(...VALUES);
export const isLabels: Check = (value) => isObject(value) && Object.values(value).every(orNull(isValue));
export const isMotion = shape({ words: isString, direction: orNull(isNumber), word: isString });
export const withConcepts = shape({
  concepts: listOf(
    shape({
      concept: isString,
      yes: isNumber,
      no: isNumber,
      unsure: isNumber,
      annotators: isNumber,
      empty: isBoolean,
      archived: isBoolean,
    }),
  ),
});
