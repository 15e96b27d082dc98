// Requests the next cards of each list.

import type { Card, ReviewOrder, ReviewValue, Selection, Status } from "../kernel/protocol";
import type { Requester } from "../state/requester";
import type { Page } from "./pagedList";

const MOST_EXCLUDED = 2000; // clips in a request for a feed
const MOST_FOUND = 200; // cards in a reply to a search

type Pages = readonly Page[];

export async function fetchFeed(
  requester: Requester,
  name: string,
  perPage: number,
  version: number, // of the newest classifier
  pages: Pages,
): Promise<Page | null> {
  // A newer classifier may choose any clip again except those on the newest page, which the user has just seen.
  const newest = pages.at(-1);
  const isNewer = newest !== undefined && version > newest.version;
  const cards = isNewer ? newest.cards : pages.flatMap((page) => page.cards);
  const exclude = cards.map((card) => card.clip).slice(-MOST_EXCLUDED);
  const reply = await requester.request("feed", { name, k: perPage, exclude });
  return reply && { ...reply.result, source: name };
}

// Clips that match `text`, and the kernel's status.
export async function fetchSearch(
  requester: Requester,
  text: string,
  perPage: number,
  pages: Pages,
  onStatus: (status: Status) => void,
): Promise<Page | null> {
  const shown = countCards(pages);
  if (shown >= MOST_FOUND) return { cards: [], source: "search", version: 0 };
  const reply = await requester.request("search", { text, k: Math.min(MOST_FOUND, shown + perPage) });
  if (!reply) return null;
  const { cards, status, note } = reply.result;
  onStatus(status);
  return { cards: cards.slice(shown), source: "search", version: 0, note };
}

export async function fetchSimilar(
  requester: Requester,
  clip: string,
  perPage: number,
  pages: Pages,
): Promise<Page | null> {
  const shown = countCards(pages);
  if (shown >= MOST_FOUND) return { cards: [], source: "similar", version: 0 };
  const reply = await requester.request("similar", { clip, k: Math.min(MOST_FOUND, shown + perPage) });
  return reply && { cards: reply.result.cards.slice(shown), source: "similar", version: 0 };
}

export async function fetchSelection(
  requester: Requester,
  selection: Selection,
  perPage: number,
  pages: Pages,
): Promise<Page | null> {
  const shown = countCards(pages);
  const clips = selection.clips.slice(shown, shown + perPage);
  const cards = clips.length > 0 ? await fetchCards(requester, "", clips) : [];
  return cards && { cards, source: "selection", version: 0 };
}

// The labelled clips that match the filters, the cards of the first k, and who has given labels.
export async function fetchReview(
  requester: Requester,
  filters: { value: ReviewValue; order: ReviewOrder; annotator: string },
  k: number,
): Promise<{ clips: string[]; cards: Card[]; annotators: string[] } | null> {
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

const countCards = (pages: Pages): number => pages.reduce((sum, page) => sum + page.cards.length, 0);
