// Requests the next cards of each list.

import type {
  Card,
  Likeness,
  MotionFilter,
  Requests,
  ReviewOrder,
  ReviewValue,
  Selection,
  Status,
} from "../kernel/protocol";
import type { Requester } from "../state/requester";
import type { Page } from "./pagedList";

const MOST_EXCLUDED = 2000; // clips in a request

type Pages = readonly Page[];

// Which clips are looked for: those with a label only if `labelled`.
export interface SearchFilter {
  readonly labelled: boolean;
  readonly motion: MotionFilter;
}

export interface NumberOrder {
  readonly number: string;
  readonly lowest: boolean; // whether the lowest come first
}

export async function fetchFeed(
  requester: Requester,
  name: string,
  version: number, // of the newest classifier
  pages: Pages,
  k: number,
): Promise<Page | null> {
  // A newer classifier may choose any clip again except those on the newest page, which the user has just seen.
  const newest = pages.at(-1);
  const isNewer = newest !== undefined && version > newest.version;
  const exclude = clipsOf(isNewer ? [newest] : pages).slice(-MOST_EXCLUDED);
  const reply = await requester.request("feed", { name, k, exclude });
  return reply && { ...reply.result, source: name };
}

// Clips that match `text`, and the kernel's status.
export async function fetchSearch(
  requester: Requester,
  text: string,
  filter: SearchFilter,
  pages: Pages,
  k: number,
  onStatus: (status: Status) => void,
): Promise<Page | null> {
  const exclude = clipsOf(pages).slice(-MOST_EXCLUDED);
  const reply = await requester.request("search", { text, k, exclude, ...filter });
  if (!reply) return null;
  const { cards, status, note, motion } = reply.result;
  onStatus(status);
  return { cards, source: "search", version: 0, note, isWarning: motion === "" };
}

export async function fetchSimilar(
  requester: Requester,
  clip: string,
  by: Likeness,
  filter: SearchFilter,
  pages: Pages,
  k: number,
): Promise<Page | null> {
  const exclude = clipsOf(pages).slice(-MOST_EXCLUDED);
  const reply = await requester.request("similar", { clip, k, exclude, by, ...filter });
  return reply && { cards: reply.result.cards, source: "similar", version: 0 };
}

// The clips with the highest values of a number, or the lowest.
export async function fetchSorted(
  requester: Requester,
  { number, lowest }: NumberOrder,
  filter: SearchFilter,
  pages: Pages,
  k: number,
): Promise<Page | null> {
  const exclude = clipsOf(pages).slice(-MOST_EXCLUDED);
  const reply = await requester.request("sorted", { number, lowest, k, exclude, ...filter });
  const note = `All clips by ${number}, the ${lowest ? "lowest" : "highest"} first. The words do not count.`;
  return reply && { cards: reply.result.cards, source: "sorted", version: 0, note, isWarning: false };
}

export async function fetchSelection(
  requester: Requester,
  selection: Selection,
  pages: Pages,
  k: number,
): Promise<Page | null> {
  const shown = clipsOf(pages).length;
  const clips = selection.clips.slice(shown, shown + k);
  const cards = clips.length > 0 ? await fetchCards(requester, "", clips) : [];
  return cards && { cards, source: "selection", version: 0 };
}

// The labelled clips that match the filters, the cards of the first k, and who has given labels.
export async function fetchReview(
  requester: Requester,
  filters: { value: ReviewValue; order: ReviewOrder; annotator: string; tag: string },
  k: number,
): Promise<Requests["review"]["result"] | null> {
  return (await requester.request("review", { ...filters, k }))?.result ?? null;
}

// The cards of these clips, with one annotator's labels, or with everybody's for "".
export async function fetchCards(
  requester: Requester,
  annotator: string,
  clips: string[],
): Promise<readonly Card[] | null> {
  return (await requester.request("reviewed", { annotator, clips }))?.result.cards ?? null;
}

const clipsOf = (pages: Pages): string[] => pages.flatMap(({ cards }) => cards.map((card) => card.clip));
