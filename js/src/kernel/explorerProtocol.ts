// The explorer's and the timeline's messages. Mirrors va_widgets/widget/explorer_protocol.py; filmstrips and previews
// are requested as the annotator does.

import { isBoolean, isNumber, isString, listOf, oneOf, orNull, shape } from "./checks";
import { type ConceptShown, isLabels, isMotion, type Labels, type Motion, withConcepts } from "./common";

export const NAME_KINDS = ["model", "column", "motion", "text"] as const;
export type NameKind = (typeof NAME_KINDS)[number];
export const ORDERS = ["best", "worst", "time"] as const;
export type Order = (typeof ORDERS)[number];
export const FORMATS = ["csv", "otio", "edl", "fcpxml"] as const;
export type Format = (typeof FORMATS)[number];

// What may stand in a query, and how it is written there.
export interface Name {
  readonly name: string;
  readonly kind: NameKind;
  readonly detail: string;
  readonly insert: string;
}

// Which clips: those that match `text`, and of these the ones with one of the `values` in a column, if there are any.
export interface Question {
  readonly text: string;
  readonly column: string; // "": the clips are not counted by a column
  readonly values: readonly string[];
}

// In which order: by `by`, one of the query's names, or by the query's own score for "".
export interface Sorting {
  readonly order: Order;
  readonly by: string;
}

export interface SavedQuery extends Question {
  readonly name: string;
}

// What is wrong with a query, and where.
export interface Fault {
  readonly message: string;
  readonly column: number | null; // the first wrong character, from 0
  readonly suggestion: string; // to be written in the place of the word at `column`; "" without one
}

export interface Hit {
  readonly clip: string;
  readonly video: string;
  readonly start: number | null;
  readonly end: number | null;
  readonly score: number | null; // by which the query ranks the clip
  readonly scores: readonly (number | string | null)[]; // of the query's names
  readonly frames: number;
  readonly motion: Motion | null;
}

// How many clips have which values of a name, in bins of the same width; `hits` are those that match the query.
export interface Histogram {
  readonly name: string;
  readonly kind: NameKind;
  readonly low: number;
  readonly high: number;
  readonly bins: readonly number[];
  readonly hits: readonly number[];
  readonly threshold: number | null; // to which the query compares the name; a bare name's is its model's
  readonly above: boolean; // whether it asks for values above it, not below
}

export interface Facet {
  readonly column: string;
  readonly values: readonly { readonly value: string; readonly clips: number }[]; // the most frequent ones
  readonly others: number; // clips with another value
}

export interface Catalogue {
  readonly corpus: string;
  readonly clips: number;
  readonly names: readonly Name[];
  readonly columns: readonly string[]; // by which clips can be counted
  readonly saved: readonly SavedQuery[];
  readonly annotator: string;
  readonly labelling: string; // the concept that is labelled in the explorer's place; "" if none is
  readonly models: string; // another text once other models are served
  readonly note: string;
}

// A video's scores over its clips, in the order of time. Where it has very many clips, each stands for a few.
export interface TimelineShown {
  readonly video: string;
  readonly clips: readonly string[];
  readonly starts: readonly number[]; // s
  readonly ends: readonly number[];
  readonly tracks: readonly Track[];
}

export interface Track {
  readonly name: string;
  readonly concept: string; // whose labels these are; "" for a column
  readonly threshold: number | null;
  readonly scores: readonly (number | null)[];
  readonly labels: Labels;
}

type Saved = { saved: SavedQuery[] };

export interface ExplorerRequests {
  catalogue: { with: Record<never, never>; result: Catalogue };
  // While the query is typed: how many clips it finds, or what is wrong with it, and what could be written at the cursor
  // in the place of the text from `start` to `end`.
  draft: {
    with: Question & { cursor: number };
    result: { count: number; fault: Fault | null; completions: Name[]; start: number; end: number };
  };
  hits: {
    with: Question & Sorting & { k: number; offset: number };
    result: { count: number; names: string[]; hits: Hit[]; fault: Fault | null };
  };
  summary: { with: Question; result: { histograms: Histogram[]; facet: Facet | null } };
  // The query with another threshold for a name.
  threshold: { with: { text: string; name: string; value: number }; result: { text: string } };
  save: { with: SavedQuery & { replace: boolean }; result: Saved };
  rename: { with: { name: string; to: string }; result: Saved };
  remove: { with: { name: string }; result: Saved };
  hits_file: {
    with: Question & Sorting & { format: Format };
    result: { file: string; mime: string; clips: number };
  };
  label_concepts: { with: Record<never, never>; result: { concepts: ConceptShown[] } };
  // Opens clips in the annotator in the explorer's place: those of `clips`, or of the query if there are none.
  label_hits: {
    with: Question & Sorting & { concept: string; clips: string[] };
    result: { concept: string; clips: number };
  };
  // Of the video of a clip with the names of a query, or what the kernel shows for an empty `clip`.
  timeline: { with: { clip: string; text: string }; result: TimelineShown };
}

const isName = shape({ name: isString, kind: oneOf(...NAME_KINDS), detail: isString, insert: isString });
const isFault = shape({ message: isString, column: orNull(isNumber), suggestion: isString });
const isSavedQuery = shape({ name: isString, text: isString, column: isString, values: listOf(isString) });
const withSaved = shape({ saved: listOf(isSavedQuery) });
const isScore = (value: unknown) => value === null || isString(value) || isNumber(value);

export const explorerResults: Record<keyof ExplorerRequests, (value: unknown) => boolean> = {
  catalogue: shape({
    corpus: isString,
    clips: isNumber,
    names: listOf(isName),
    columns: listOf(isString),
    saved: listOf(isSavedQuery),
    annotator: isString,
    labelling: isString,
    models: isString,
    note: isString,
  }),
  draft: shape({
    count: isNumber,
    fault: orNull(isFault),
    completions: listOf(isName),
    start: isNumber,
    end: isNumber,
  }),
  hits: shape({
    count: isNumber,
    names: listOf(isString),
    hits: listOf(
      shape({
        clip: isString,
        video: isString,
        start: orNull(isNumber),
        end: orNull(isNumber),
        score: orNull(isNumber),
        scores: listOf(isScore),
        frames: isNumber,
        motion: orNull(isMotion),
      }),
    ),
    fault: orNull(isFault),
  }),
  summary: shape({
    histograms: listOf(
      shape({
        name: isString,
        kind: oneOf(...NAME_KINDS),
        low: isNumber,
        high: isNumber,
        bins: listOf(isNumber),
        hits: listOf(isNumber),
        threshold: orNull(isNumber),
        above: isBoolean,
      }),
    ),
    facet: orNull(
      shape({
        column: isString,
        values: listOf(shape({ value: isString, clips: isNumber })),
        others: isNumber,
      }),
    ),
  }),
  threshold: shape({ text: isString }),
  save: withSaved,
  rename: withSaved,
  remove: withSaved,
  hits_file: shape({ file: isString, mime: isString, clips: isNumber }),
  label_concepts: withConcepts,
  label_hits: shape({ concept: isString, clips: isNumber }),
  timeline: shape({
    video: isString,
    clips: listOf(isString),
    starts: listOf(isNumber),
    ends: listOf(isNumber),
    tracks: listOf(
      shape({
        name: isString,
        concept: isString,
        threshold: orNull(isNumber),
        scores: listOf(orNull(isNumber)),
        labels: isLabels,
      }),
    ),
  }),
};
