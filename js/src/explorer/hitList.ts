// The clips that match the query, page by page, with what is known about all of them: their number, the histograms of
// the query's names, and how many have which value of a column.

import { computed, type Signal, signal } from "@preact/signals";
import type { Facet, Histogram, Hit } from "../kernel/explorerProtocol";
import { type Page, PagedList } from "../lists/pagedList";
import { counted } from "../words";
import type { QueryDraft } from "./queryDraft";
import type { ExplorerState } from "./state";
import type { ExplorerViewState } from "./viewState";

export class HitList {
  readonly list: PagedList<Hit>;
  readonly perPage = signal(12); // cards on a page
  readonly loading = signal(false);
  readonly count: Signal<number | null> = signal(null); // null until the first reply
  readonly names: Signal<readonly string[]> = signal([]); // of the query, as their scores come on each card
  readonly histograms: Signal<readonly Histogram[]> = signal([]);
  readonly facet: Signal<Facet | null> = signal(null);
  #generation = 0; // a reply for an earlier one is discarded

  constructor(
    private readonly state: ExplorerState,
    private readonly draft: QueryDraft,
    onHits: (hits: readonly Hit[]) => void,
    isVisible: () => boolean,
  ) {
    this.list = new PagedList<Hit>(onHits, () => this.perPage.value, isVisible);
  }

  readonly page = computed<readonly Hit[]>(() => this.list.page.value?.cards ?? []);
  readonly clips = computed<readonly string[]>(() => this.page.value.map(({ clip }) => clip));

  hit(clip: string): Hit | undefined {
    return this.page.value.find((hit) => hit.clip === clip);
  }

  // The place of the open page's first clip among all, from 1.
  readonly first = computed(() => {
    const { pages, index } = this.list.progress.value;
    return 1 + pages.slice(0, index).reduce((sum, { cards }) => sum + cards.length, 0);
  });

  // Shows other clips, or the same in another order. What is shown stays if the query is wrong; returns whether it is
  // not.
  async run(change: Partial<ExplorerViewState> = {}): Promise<boolean> {
    const generation = ++this.#generation;
    // What is typed but was not asked for yet is asked for now.
    const asked = { ...this.state.viewState.value, query: this.draft.text.value, ...change };
    this.loading.value = true;
    const first = await this.#fetch(asked, 0, this.perPage.value);
    if (generation !== this.#generation) return false;
    this.loading.value = false;
    if (!first) return false;
    const { fault, count, names } = first.result;
    if (fault) {
      this.draft.settle(asked.query, null, fault);
      this.state.announcement.value = fault.message;
      return false;
    }
    this.state.updateViewState({ query: asked.query, ...change });
    this.draft.settle(asked.query, count, null);
    this.count.value = count;
    this.names.value = names;
    this.state.announcement.value = counted(count, "clip");
    let firstPage: Page<Hit> | null = pageOf(first.result.hits);
    await this.list.open(async (pages, k) => {
      const ready = firstPage;
      firstPage = null;
      if (ready) return ready;
      const offset = pages.reduce((sum, { cards }) => sum + cards.length, 0);
      const reply = await this.#fetch(asked, offset, k);
      return reply && pageOf(reply.result.hits);
    });
    const summary = await this.state.request("summary", question(asked));
    if (summary && generation === this.#generation) {
      this.histograms.value = summary.result.histograms;
      this.facet.value = summary.result.facet;
    }
    return true;
  }

  #fetch(asked: ExplorerViewState, offset: number, k: number) {
    const { order, by } = asked;
    return this.state.request("hits", { ...question(asked), order, by, k, offset });
  }
}

// Which clips are asked for.
export const question = ({ query, column, values }: ExplorerViewState) => ({ text: query, column, values });

const pageOf = (hits: readonly Hit[]): Page<Hit> => ({ cards: hits, source: "hits", version: 0 });
