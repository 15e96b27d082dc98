// How cards are laid out: columns, heights, and how many fit on a page.

import { MAX_PAGE_SIZE, MIN_PAGE_SIZE } from "../../state/viewState";

// All in px, as in styles/grid.css and styles/card.css.
const GAP = 4;
const LINE = 17; // the line of text under a picture
const PAGE_HEIGHT = 560; // height of the cards of a page, about a screen

const SHARP = 1.4; // times their size, frames still look sharp
const LARGE = 320; // up to this width cards show the stored frames: the kernel would cut a preview for every card
const WIDEST = 1.5; // times the width that the user has chosen

export function columnsIn(width: number, size: number): number {
  const columns = Math.max(1, Math.floor((width + GAP) / (size + GAP)));
  // A single column would show cards of almost twice the width that was chosen.
  return columns === 1 && width > WIDEST * size ? 2 : columns;
}

export const cardWidth = (width: number, columns: number): number => (width - GAP * (columns - 1)) / columns;

// Whether a card of this width is large and would show these frames blurred. All in px.
export const isBlurred = (card: number, frame: { width: number; height: number }): boolean =>
  card > Math.max(LARGE, SHARP * frame.width) && (card * 9) / 16 > SHARP * frame.height;

export function rowHeight(width: number, columns: number): number {
  return (cardWidth(width, columns) * 9) / 16 + LINE + GAP;
}

// Cards on a page: the user's number, or full rows that fill about a screen, and at least a handful.
export function pageSize(width: number, columns: number, chosen: number): number {
  if (chosen > 0) return chosen;
  const rows = Math.max(
    Math.round(PAGE_HEIGHT / rowHeight(width, columns)),
    Math.ceil(MIN_PAGE_SIZE / columns),
  );
  return Math.min(MAX_PAGE_SIZE, columns * rows);
}
