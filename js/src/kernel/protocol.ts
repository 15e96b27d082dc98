// The messages between the annotator and the kernel, version 1. Mirrors va_widgets/widget/protocol.py; the golden
// messages in tests/protocol_cases are read by the tests of both sides.

import { type Check, isBoolean, isNumber, isObject, isString, listOf, oneOf, orNull, shape } from "./checks";
import {
  type ConceptShown,
  isLabels,
  isMotion,
  isValue,
  type Labels,
  type Motion,
  type Value,
  withConcepts,
} from "./common";
import { type ExplorerRequests, explorerResults } from "./explorerProtocol";

export { type ConceptShown, type Labels, type Motion, VALUES, type Value } from "./common";

export const VERSION = 1;
export const LONGEST_CONCEPT = 500; // characters

export type Stored = Value | "none";

// A clip that annotators label differently, in review.
export interface Dispute {
  readonly votes: Readonly<Partial<Record<Value, readonly string[]>>>; // who gave which label
  readonly decided: string; // who has decided between them; "" if nobody has
  readonly decides: boolean; // whether this annotator may: labels with the source "adjudication" are decisions
}

// What is remarked on a clip: the annotator's own note and tags, and what others say, in one text.
export interface Remark {
  readonly note: string;
  readonly tags: readonly string[];
  readonly others: string;
}

export interface Card {
  readonly clip: string;
  readonly video: string;
  readonly start: number | null; // null if the clip has no times
  readonly end: number | null;
  readonly score: number | null;
  readonly reason: string;
  readonly label: Value | null;
  readonly frames: number;
  readonly suspicion: number | null;
  readonly note: string;
  readonly motion: Motion | null; // null if it was not measured
  readonly dispute: Dispute | null; // null elsewhere than in review
  readonly remark: Remark | null; // null if nothing is remarked
}

export interface Quality {
  readonly ap: number;
  readonly low: number;
  readonly high: number;
}

export interface Point {
  readonly version: number;
  readonly labels: number;
  readonly ap: number | null;
}

// How far the search for a concept has come.
export interface Found {
  readonly clips: number; // labelled yes, or scored at the threshold or above
  readonly threshold: number; // P(yes)
  readonly why: string; // why it is this threshold, in terms of statistics
  readonly expect: string; // how many of the clips are right, and how many are missing, in plain words
  readonly estimate: number; // how many clips of the corpus are a yes
  readonly low: number | null;
  readonly high: number | null;
  readonly method: string; // of the estimate
}

export interface Status {
  readonly concept: string;
  readonly guideline: string;
  readonly annotator: string;
  readonly clips: number;
  readonly feeds: readonly string[];
  readonly counts: Readonly<Record<Value, number>>;
  readonly found: Found | null; // null until both a yes and a no were learnt
  readonly from_feeds: Readonly<Record<string, number>>; // how many of the labelled clips were labelled from each feed
  readonly quality: Quality | null;
  readonly quality_note: string;
  readonly diversity: number;
  readonly version: number;
  readonly points: readonly Point[];
  readonly advice: string;
  readonly state: "ready" | "refitting" | "error";
  readonly message: string;
  readonly pending: number;
  readonly can_undo: boolean;
  readonly can_redo: boolean;
  readonly searchable: boolean;
  readonly ready: boolean; // the classifier exists; before that, feeds are answered once the text model is loaded
  readonly words: "ready" | "loading" | "unavailable"; // whether text search works now
  readonly words_note: string; // why it does not, and what to do; or what is being loaded
  readonly motion: boolean; // whether the motion of the clips is known: it can be searched for, and filters clips
  readonly numbers: readonly string[]; // that clips can be sorted by: of their motion, and columns of the corpus
  readonly concept_note: string; // which part of a long concept the text model reads
  readonly queries: readonly string[];
  readonly guideline_version: number; // 0 without a guideline
}

export interface Strip {
  readonly clip: string;
  readonly mime: string;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly buffer: number | null;
  readonly reason: string;
}

// Clips that were chosen outside the annotator, for example on the map.
export interface Selection {
  readonly title: string;
  readonly clips: readonly string[];
}

export const MOTION_FILTERS = ["all", "moving", "static"] as const;
export type MotionFilter = (typeof MOTION_FILTERS)[number];
export const LIKENESSES = ["look", "motion", "both"] as const;
export type Likeness = (typeof LIKENESSES)[number];

export const REVIEW_VALUES = ["all", "yes", "no", "unsure", "disputed"] as const;
export const REVIEW_ORDERS = ["suspicion", "newest", "disagreement"] as const;
export type ReviewValue = (typeof REVIEW_VALUES)[number];
export type ReviewOrder = (typeof REVIEW_ORDERS)[number];

// The payload of each request and the result of its reply; the explorer's are in explorerProtocol.ts.
export interface Requests extends ExplorerRequests {
  hello: {
    with: { page: string; clips: string[] };
    result: {
      status: Status;
      tags: string[]; // the annotator's own, the most used first
      session: string;
      corpus: string;
      selection: Selection | null;
      labels: Labels;
    };
  };
  bye: { with: { page: string }; result: Record<never, never> };
  // `exclude`: the clips of the pages before; `labelled`: whether clips with a label are found, too; `motion`: whether
  // only clips in which the camera moves are found, or only those in which it does not.
  search: {
    with: { text: string; k: number; exclude: string[]; labelled: boolean; motion: MotionFilter };
    // `motion`: the camera move that the clips are ranked by, "" for none
    result: { cards: Card[]; status: Status; note: string; motion: string };
  };
  similar: {
    with: {
      clip: string;
      k: number;
      exclude: string[];
      labelled: boolean;
      motion: MotionFilter;
      by: Likeness; // in what they are like the clip; look where motion is not known
    };
    result: { cards: Card[] };
  };
  sorted: {
    with: {
      number: string; // one of the status's
      lowest: boolean; // whether the lowest come first
      k: number;
      exclude: string[];
      labelled: boolean;
      motion: MotionFilter;
    };
    result: { cards: Card[] };
  };
  feed: { with: { name: string; k: number; exclude: string[] }; result: { cards: Card[]; version: number } };
  review: {
    with: { value: ReviewValue; order: ReviewOrder; annotator: string; tag: string; k: number };
    result: { clips: string[]; cards: Card[]; annotators: string[]; tags: string[] };
  };
  reviewed: { with: { annotator: string; clips: string[] }; result: { cards: Card[] } };
  label: {
    with: { concept: string; clips: string[]; value: Stored; source: string };
    result: { labels: Labels };
  };
  undo: { with: { concept: string }; result: { labels: Labels } };
  redo: { with: { concept: string }; result: { labels: Labels } };
  remark: {
    with: { concept: string; clip: string; note: string; tags: string[] };
    result: { remark: Remark; tags: string[] };
  };
  refit: { with: Record<never, never>; result: { status: Status } };
  guideline: { with: { text: string }; result: { status: Status } };
  concepts: { with: Record<never, never>; result: { concepts: ConceptShown[] } };
  switch: { with: { concept: string }; result: { status: Status } };
  forget: { with: { concept: string }; result: { concepts: ConceptShown[] } };
  rename_concept: { with: { concept: string; name: string }; result: { status: Status } };
  archive: { with: { concept: string; archived: boolean }; result: { concepts: ConceptShown[] } };
  // The yes clips of another concept as a feed of hints.
  hints: { with: { concept: string; offered: boolean }; result: { status: Status } };
  publish: {
    with: { name: string };
    result: { name: string; version: number; folder: string; line: string; status: Status };
  };
  export: { with: Record<never, never>; result: { file: string; mime: string; clips: number } };
  filmstrips: { with: { clips: string[]; width: number }; result: { strips: Strip[] } };
  preview: {
    with: { clip: string; context: number };
    result: {
      clip: string;
      mime: string;
      start: number;
      end: number;
      sound: boolean;
      available: boolean;
      reason: string;
    };
  };
}

export type RequestType = keyof Requests;

export type Event =
  | { event: "status" | "switch"; data: { status: Status } }
  | { event: "show"; data: { selection: Selection; status: Status } }
  | { event: "labels"; data: { labels: Labels; status: Status } }
  | { event: "remarks"; data: { remarks: Readonly<Record<string, Remark>>; status: Status } } // by clip
  | { event: "refit"; data: { status: Status; version: number; flipped: number; seconds: number } };

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export type Incoming =
  | { kind: "reply"; id: string; type: string; result: unknown }
  | { kind: "failure"; id: string | null; error: Failure }
  | { kind: "event"; event: Event }
  | { kind: "unknown" };

export function request<T extends RequestType>(id: string, type: T, payload: Requests[T]["with"]): object {
  return { v: VERSION, id, type, ...withoutLoneSurrogates(payload) };
}

// A text box with a maximal length may cut an emoji in half; neither UTF-8 files nor connections can hold half of one.
const LONE_SURROGATE = /\p{Surrogate}/gu; // with the flag u, a whole pair counts as one character and does not match

export function withoutLoneSurrogates<T>(value: T): T {
  const clean = (part: unknown): unknown => {
    if (typeof part === "string") return part.replace(LONE_SURROGATE, "");
    if (Array.isArray(part)) return part.map(clean);
    if (!isObject(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, clean(inner)]));
  };
  return clean(value) as T;
}

// --- every incoming message is checked before it is used ---------------------------------------------

const isDispute = shape({
  votes: (value) => isObject(value) && Object.values(value).every(listOf(isString)),
  decided: isString,
  decides: isBoolean,
});
const isRemark = shape({ note: isString, tags: listOf(isString), others: isString });
const isCard = shape({
  clip: isString,
  video: isString,
  start: orNull(isNumber),
  end: orNull(isNumber),
  score: orNull(isNumber),
  reason: isString,
  label: orNull(isValue),
  frames: isNumber,
  suspicion: orNull(isNumber),
  note: isString,
  motion: orNull(isMotion),
  dispute: orNull(isDispute),
  remark: orNull(isRemark),
});
const isCounts: Check = (value) => isObject(value) && Object.values(value).every(isNumber);
const isFound = shape({
  clips: isNumber,
  threshold: isNumber,
  why: isString,
  expect: isString,
  estimate: isNumber,
  low: orNull(isNumber),
  high: orNull(isNumber),
  method: isString,
});
const isStatus = shape({
  concept: isString,
  guideline: isString,
  annotator: isString,
  clips: isNumber,
  feeds: listOf(isString),
  counts: shape({ yes: isNumber, no: isNumber, unsure: isNumber }),
  found: orNull(isFound),
  from_feeds: isCounts,
  quality: orNull(shape({ ap: isNumber, low: isNumber, high: isNumber })),
  quality_note: isString,
  diversity: isNumber,
  version: isNumber,
  points: listOf(shape({ version: isNumber, labels: isNumber, ap: orNull(isNumber) })),
  advice: isString,
  state: oneOf("ready", "refitting", "error"),
  message: isString,
  pending: isNumber,
  can_undo: isBoolean,
  can_redo: isBoolean,
  searchable: isBoolean,
  ready: isBoolean,
  words: oneOf("ready", "loading", "unavailable"),
  words_note: isString,
  motion: isBoolean,
  numbers: listOf(isString),
  concept_note: isString,
  queries: listOf(isString),
  guideline_version: isNumber,
});
const isStrip = shape({
  clip: isString,
  mime: isString,
  frames: isNumber,
  width: isNumber,
  height: isNumber,
  buffer: orNull(isNumber),
  reason: isString,
});

const isSelection = shape({ title: isString, clips: listOf(isString) });

const withLabels = shape({ labels: isLabels });
const withStatus = shape({ status: isStatus });
const results: Record<RequestType, Check> = {
  ...explorerResults,
  hello: shape({
    status: isStatus,
    tags: listOf(isString),
    session: isString,
    corpus: isString,
    selection: orNull(isSelection),
    labels: isLabels,
  }),
  bye: isObject,
  search: shape({ cards: listOf(isCard), status: isStatus, note: isString, motion: isString }),
  similar: shape({ cards: listOf(isCard) }),
  sorted: shape({ cards: listOf(isCard) }),
  feed: shape({ cards: listOf(isCard), version: isNumber }),
  review: shape({
    clips: listOf(isString),
    cards: listOf(isCard),
    annotators: listOf(isString),
    tags: listOf(isString),
  }),
  reviewed: shape({ cards: listOf(isCard) }),
  label: withLabels,
  undo: withLabels,
  redo: withLabels,
  remark: shape({ remark: isRemark, tags: listOf(isString) }),
  rename_concept: withStatus,
  archive: withConcepts,
  hints: withStatus,
  refit: withStatus,
  guideline: withStatus,
  concepts: withConcepts,
  switch: withStatus,
  forget: withConcepts,
  publish: shape({
    name: isString,
    version: isNumber,
    folder: isString,
    line: isString,
    status: isStatus,
  }),
  export: shape({ file: isString, mime: isString, clips: isNumber }),
  filmstrips: shape({ strips: listOf(isStrip) }),
  preview: shape({
    clip: isString,
    mime: isString,
    start: isNumber,
    end: isNumber,
    sound: isBoolean,
    available: isBoolean,
    reason: isString,
  }),
};
const events: Record<Event["event"], Check> = {
  status: withStatus,
  switch: withStatus,
  show: shape({ selection: isSelection, status: isStatus }),
  labels: shape({ labels: isLabels, status: isStatus }),
  remarks: shape({
    remarks: (value) => isObject(value) && Object.values(value).every(isRemark),
    status: isStatus,
  }),
  refit: shape({ status: isStatus, version: isNumber, flipped: isNumber, seconds: isNumber }),
};

export function isResult<T extends RequestType>(type: T, result: unknown): result is Requests[T]["result"] {
  return results[type](result);
}

export function parse(content: unknown): Incoming {
  if (!isObject(content) || content.v !== VERSION) return { kind: "unknown" };
  const { id, event, data } = content;
  if (isString(event) && Object.hasOwn(events, event as string)) {
    const name = event as Event["event"];
    return events[name](data)
      ? { kind: "event", event: { event: name, data } as Event }
      : { kind: "unknown" };
  }
  if (content.ok === true && isString(id) && isString(content.type)) {
    return { kind: "reply", id: id as string, type: content.type as string, result: content.result };
  }
  if (content.ok === false && shape({ code: isString, message: isString })(content.error)) {
    return { kind: "failure", id: isString(id) ? (id as string) : null, error: content.error as Failure };
  }
  return { kind: "unknown" };
}
