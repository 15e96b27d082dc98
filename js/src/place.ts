// Where the person is, kept by the kernel in the `place` trait, so that a reload comes back to it.

import { type Keys, readKeys } from "./keys";
import { REVIEW_ORDERS, REVIEW_VALUES, type ReviewOrder, type ReviewValue } from "./protocol";

export const TABS = ["search", "feeds", "review"] as const;
export type Tab = (typeof TABS)[number];

export const SMALLEST = 120; // px, the width of a card
export const LARGEST = 520;
const USUAL = 264;
const MOST_A_PAGE = 100;
const FEWEST_A_PAGE = 5;

export interface Place {
  readonly tab: Tab;
  readonly feed: string; // "" as long as the person has chosen none
  readonly query: string;
  readonly size: number;
  readonly page: number; // cards a page, 0: as many as fit
  readonly review: ReviewValue;
  readonly order: ReviewOrder;
  readonly annotator: string; // whose labels are reviewed, "" is everybody's
  readonly keys: Keys;
}

const one = <T extends string>(value: unknown, values: readonly T[], otherwise: T): T =>
  values.find((known) => known === value) ?? otherwise;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

const between = (value: unknown, least: number, most: number, otherwise: number): number =>
  typeof value === "number" && value >= least && value <= most ? value : otherwise;

export function readPlace(kept: unknown): Place {
  const place = (typeof kept === "object" && kept !== null ? kept : {}) as Record<string, unknown>;
  return {
    tab: one(place.tab, TABS, "search"),
    feed: text(place.feed),
    query: text(place.query),
    size: between(place.size, SMALLEST, LARGEST, USUAL),
    page: between(place.page, FEWEST_A_PAGE, MOST_A_PAGE, 0),
    review: one(place.review, REVIEW_VALUES, "all"),
    order: one(place.order, REVIEW_ORDERS, "suspicion"),
    annotator: text(place.annotator),
    keys: readKeys(place.keys),
  };
}

const GAP = 4;
const LINE = 17; // the line under a picture
const TALL = 560; // px of cards that a page fills, about what a screen shows

export function columnsIn(width: number, size: number): number {
  return Math.max(1, Math.floor((width + GAP) / (size + GAP)));
}

export function rowHeight(width: number, columns: number): number {
  const card = (width - GAP * (columns - 1)) / columns;
  return (card * 9) / 16 + LINE + GAP;
}

// Full rows, about a screen of them; a narrow cell still shows a handful of cards.
export function pageOf(width: number, columns: number, wanted: number): number {
  if (wanted > 0) return wanted;
  const rows = Math.max(1, Math.round(TALL / rowHeight(width, columns)), Math.ceil(4 / columns));
  return Math.min(MOST_A_PAGE, Math.max(FEWEST_A_PAGE, columns * rows));
}
