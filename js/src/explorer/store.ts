// The explorer's parts: one store a model, shared by all its views.

import { type Signal, signal } from "@preact/signals";
import { Store } from "../annotator/store";
import { Client, type Model } from "../kernel/client";
import type { Format, SavedQuery } from "../kernel/explorerProtocol";
import { Media } from "../kernel/media";
import type { ConceptShown } from "../kernel/protocol";
import { counted } from "../words";
import { HitList, question } from "./hitList";
import { Latest } from "./latest";
import { QueryDraft } from "./queryDraft";
import { ExplorerState } from "./state";
import { TimelineState } from "./timelineState";
import { readExplorerViewState, TRAIT } from "./viewState";

// Jupyter's widget models emit this when their kernel was restarted, and when a broken connection is restored.
const CONNECTION_EVENT = "comm_live_update";
const CLIP = "clip"; // the timeline's trait: the clip that it plays
const CHECK_AFTER = 10_000; // ms without a message after which a visit asks what has changed

export class ExplorerStore {
  readonly client: Client; // requests and replies
  readonly state: ExplorerState; // view state, messages, what can be queried
  readonly media: Media; // filmstrips and previews
  readonly draft: QueryDraft; // the query as it is typed
  readonly hits: HitList; // what it finds
  readonly timeline: TimelineState; // the scores over the video that is played
  readonly clip: Signal<string>; // that the timeline plays; "" for the first one
  readonly annotator: Signal<Store | null> = signal(null); // labels clips in the explorer's place
  readonly concepts: Signal<readonly ConceptShown[]> = signal([]); // as of the latest `loadConcepts`
  readonly removed: Signal<SavedQuery | null> = signal(null); // which `restore` saves again
  readonly #thresholds: Latest<{ name: string; value: number }>;
  #opened = false;
  #viewCount = 0;

  constructor(private readonly model: Model) {
    const state = new ExplorerState(model, () => this.client);
    this.state = state;
    this.client = new Client(
      model,
      () => {}, // the events are the annotator's
      (busy) => {
        state.busy.value = busy;
      },
      (lost) => {
        state.lost.value = lost;
      },
    );
    this.media = new Media(this.client);
    this.draft = new QueryDraft(state);
    this.hits = new HitList(
      state,
      this.draft,
      (hits) => {
        for (const { clip } of hits) this.media.filmstrip(clip);
        this.media.requestQueued();
      },
      () => this.#viewCount > 0,
    );
    this.timeline = new TimelineState(state);
    this.#thresholds = new Latest(({ name, value }) => this.#writeThreshold(name, value));
    this.clip = signal(String(model.get(CLIP) ?? ""));
    model.on(CONNECTION_EVENT, this.#check);
    model.on(`change:${CLIP}`, this.#onClip);
    model.on(`change:${TRAIT}`, this.#onTrait);
  }

  close(): void {
    this.model.off(CONNECTION_EVENT, this.#check);
    this.model.off(`change:${CLIP}`, this.#onClip);
    this.model.off(`change:${TRAIT}`, this.#onTrait);
    this.annotator.value?.close();
    this.client.close();
    this.media.close();
  }

  // Counts a view that shows the explorer; returns the function that counts it out again.
  attach(): () => void {
    this.#viewCount += 1;
    return () => {
      this.#viewCount -= 1;
    };
  }

  // Called by each view once it knows how many cards fit. The first call loads what the user looked at last.
  async open(perPage: number): Promise<void> {
    this.hits.perPage.value = perPage;
    if (this.#opened) return;
    this.#opened = true;
    await this.refresh();
    if (!this.state.catalogue.value) {
      this.#opened = false;
      return;
    }
    // A query that was saved by an earlier page may be wrong by now: the box says so, and all clips are shown.
    const { query } = this.state.viewState.value;
    if (await this.hits.run()) return;
    const { fault } = this.draft;
    const wrong = fault.value;
    if (!wrong) return;
    await this.hits.run({ query: "", column: "", values: [] });
    this.draft.settle(query, null, wrong);
  }

  // Asks what can be queried now, and shows the annotator again if it was shown.
  async refresh(): Promise<void> {
    const former = this.state.catalogue.value;
    const reply = await this.state.request("catalogue", {});
    if (!reply) return;
    this.state.catalogue.value = reply.result;
    const { labelling } = reply.result;
    if (this.state.viewState.value.labelling) {
      if (labelling) this.annotator.value ??= new Store(this.model);
      else this.state.updateViewState({ labelling: false });
    }
    if (former && former.models !== reply.result.models) await this.hits.run();
  }

  // The user points at the explorer: a model may have been published, or the kernel may have ended.
  readonly visit = (): void => {
    if (this.#opened && this.client.isIdle(CHECK_AFTER)) void this.refresh();
  };

  // The host reports a change of the connection.
  readonly #check = (): void => {
    this.client.resendAll();
    if (this.#opened && this.client.isIdle()) void this.refresh();
  };

  // A notebook has set the trait, and not this page.
  readonly #onTrait = (): void => {
    const next = readExplorerViewState(this.model.get(TRAIT));
    if (JSON.stringify(next) === JSON.stringify(this.state.viewState.value)) return;
    const { query, column, values, order, by } = next;
    this.state.viewState.value = { ...this.state.viewState.value, labelling: next.labelling };
    void this.hits.run({ query, column, values, order, by });
  };

  // Plays another clip in the timeline.
  showClip(clip: string): void {
    this.clip.value = clip;
    this.model.set(CLIP, clip);
    this.model.save_changes();
  }

  readonly #onClip = (): void => {
    this.clip.value = String(this.model.get(CLIP) ?? "");
  };

  // --- the query ----------------------------------------------------------------------------------------

  // Moves the threshold of a name while it is dragged: the query changes, and its number of clips.
  dragThreshold(name: string, value: number): void {
    this.#thresholds.ask({ name, value });
  }

  // Shows the clips of the threshold that was dragged to.
  async dropThreshold(name: string, value: number): Promise<void> {
    this.#thresholds.cancel();
    await this.#writeThreshold(name, value);
    await this.hits.run({ query: this.draft.text.value });
  }

  async #writeThreshold(name: string, value: number): Promise<void> {
    const reply = await this.state.request("threshold", { text: this.draft.text.value, name, value });
    if (reply) this.draft.type(reply.result.text, 0, false);
  }

  // --- saved queries ------------------------------------------------------------------------------------

  async save(name: string): Promise<boolean> {
    const { saved } = this.state.catalogue.value ?? { saved: [] };
    const replace = saved.some((item) => item.name === name);
    return this.#keep({ ...question(this.state.viewState.value), name }, replace);
  }

  async #keep(query: SavedQuery, replace: boolean): Promise<boolean> {
    const reply = await this.state.request("save", { ...query, replace });
    this.#setSaved(reply?.result.saved);
    return reply !== null;
  }

  async rename(name: string, to: string): Promise<void> {
    this.#setSaved((await this.state.request("rename", { name, to }))?.result.saved);
  }

  async remove(query: SavedQuery): Promise<void> {
    const reply = await this.state.request("remove", { name: query.name });
    this.#setSaved(reply?.result.saved);
    if (reply) this.removed.value = query;
  }

  // Saves the query again that was removed last.
  async restore(): Promise<void> {
    const query = this.removed.value;
    if (query && (await this.#keep(query, false))) this.removed.value = null;
  }

  #setSaved(saved: readonly SavedQuery[] | undefined): void {
    const { catalogue } = this.state;
    if (saved && catalogue.value) catalogue.value = { ...catalogue.value, saved };
  }

  // --- what the hits are for ----------------------------------------------------------------------------

  // All clips of the query as a file; null if the kernel cannot make it.
  async exportHits(format: Format): Promise<File | null> {
    const { viewState } = this.state;
    const { order, by } = viewState.value;
    const reply = await this.state.request("hits_file", { ...question(viewState.value), order, by, format });
    const [data] = reply?.buffers ?? [];
    if (!reply || !data) return null;
    const { file, mime, clips } = reply.result;
    this.state.announce(`${counted(clips, "clip")} in ${file}`);
    return new File([data], file, { type: mime });
  }

  async loadConcepts(): Promise<void> {
    const reply = await this.state.request("label_concepts", {});
    if (reply) this.concepts.value = reply.result.concepts;
  }

  // Opens the annotator in the explorer's place, with these clips, or with those of the query for none.
  async label(concept: string, clips: readonly string[]): Promise<boolean> {
    const { viewState } = this.state;
    const { order, by } = viewState.value;
    const asked = { ...question(viewState.value), order, by, concept, clips: [...clips] };
    const reply = await this.state.request("label_hits", asked);
    if (!reply) return false;
    this.annotator.value ??= new Store(this.model);
    this.state.updateViewState({ labelling: true });
    return true;
  }

  // Back from the annotator. It may have published a model.
  async leaveAnnotator(): Promise<void> {
    this.state.updateViewState({ labelling: false });
    await this.refresh();
  }
}
