// What the user has chosen to look at, and how. The kernel keeps it in the widget's `place` trait, so that a reload of
// the page restores it.

import { type Keys, readKeys } from "../input/keys";
import {
  LIKENESSES,
  type Likeness,
  MOTION_FILTERS,
  type MotionFilter,
  REVIEW_ORDERS,
  REVIEW_VALUES,
  type ReviewOrder,
  type ReviewValue,
} from "../kernel/protocol";

export const TRAIT = "place";
export const TABS = ["search", "feeds", "review"] as const;
export type Tab = (typeof TABS)[number];

export const MIN_CARD_WIDTH = 120; // px
export const MAX_CARD_WIDTH = 520;
const DEFAULT_CARD_WIDTH = 264;
export const MIN_PAGE_SIZE = 5; // cards
export const MAX_PAGE_SIZE = 100;

export interface ViewState {
  readonly tab: Tab;
  readonly feed: string; // "" until the user chooses one
  readonly query: string;
  readonly labelled: boolean; // whether the search shows clips that have a label, too
  readonly motion: MotionFilter; // which clips the search shows
  readonly number: string; // that the search sorts all clips by, instead of a query; "": none
  readonly lowest: boolean; // whether the lowest come first
  readonly likeness: Likeness; // in what "more like this" is like the clip
  readonly size: number; // width of a card, px
  readonly page: number; // cards a page; 0: as many as fit
  readonly turns: boolean; // whether the page turns by itself once its last clip is labelled by key
  readonly review: ReviewValue;
  readonly order: ReviewOrder;
  readonly annotator: string; // whose labels the review lists; "": everybody's
  readonly tag: string; // that the review lists clips by; "": whatever their tags
  readonly reads: boolean; // the guideline is shown in full
  readonly keys: Keys;
  readonly widget: string; // whose view state this is; "" until it is saved first
}

// A view state from an unchecked value: each field that makes no sense gets its default.
export function readViewState(value: unknown): ViewState {
  const saved = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  return {
    tab: oneOf(saved.tab, TABS, "search"),
    feed: text(saved.feed),
    query: text(saved.query),
    labelled: saved.labelled === true,
    motion: oneOf(saved.motion, MOTION_FILTERS, "all"),
    number: text(saved.number),
    lowest: saved.lowest === true,
    likeness: oneOf(saved.likeness, LIKENESSES, "look"),
    size: inRange(saved.size, MIN_CARD_WIDTH, MAX_CARD_WIDTH, DEFAULT_CARD_WIDTH),
    page: inRange(saved.page, MIN_PAGE_SIZE, MAX_PAGE_SIZE, 0),
    turns: saved.turns === true,
    review: oneOf(saved.review, REVIEW_VALUES, "all"),
    order: oneOf(saved.order, REVIEW_ORDERS, "suspicion"),
    annotator: text(saved.annotator),
    tag: text(saved.tag),
    reads: saved.reads === true,
    keys: readKeys(saved.keys),
    widget: text(saved.widget),
  };
}

// The part that says where the user is; the rest is how they like the page, which the kernel keeps by their name.
export function placeOf({ size, page, turns, keys, widget, ...place }: ViewState): Partial<ViewState> {
  return place;
}

const oneOf = <T extends string>(value: unknown, options: readonly T[], otherwise: T): T =>
  options.find((option) => option === value) ?? otherwise;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

const inRange = (value: unknown, min: number, max: number, otherwise: number): number =>
  typeof value === "number" && value >= min && value <= max ? value : otherwise;
