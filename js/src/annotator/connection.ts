// Tells the kernel whether this page shows the annotator, and checks whether there is still a kernel.

import { computed } from "@preact/signals";
import type { Client } from "../kernel/client";
import { placeStorage, tabStorage } from "../kernel/tabStorage";
import type { Lists } from "../lists/lists";
import { canOpen, firstTab, type Navigation } from "../lists/navigation";
import type { AnnotatorState } from "../state/annotatorState";
import type { ShownLabels } from "../state/labels";
import type { Labelling } from "./labelling";
import type { HelloResult, Updates } from "./updates";

const MOST_CLIPS = 2000; // whose labels a `hello` asks for
const CHECK_AFTER = 10_000; // ms without a message after which `visit` checks the connection
const CHECK_EVERY = 10_000; // ms between checks while nobody does anything

export class Connection {
  #opened = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly client: Client,
    private readonly state: AnnotatorState,
    private readonly labels: ShownLabels,
    private readonly lists: Lists,
    private readonly navigation: Navigation,
    private readonly labelling: Labelling,
    private readonly updates: Updates,
  ) {}

  // The kernel answers late because it loads the text model in another thread; it saves labels meanwhile.
  readonly waitsForTextModel = computed(
    () => this.state.status.value?.words === "loading" && this.labels.unsavedCount.value === 0,
  );

  // Counts a view that shows the annotator; returns the function that counts it out again. The first one says `hello`
  // if the page was opened before, the last one says `bye`.
  attach(): () => void {
    const { state } = this;
    state.viewCount += 1;
    this.#timer ??= setInterval(this.#checkQuietly, CHECK_EVERY);
    if (state.viewCount === 1 && this.#opened) void this.#sayHello();
    return () => {
      state.viewCount -= 1;
      if (state.isVisible) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      if (state.viewState.value.tab === "review") this.navigation.outdated = true; // labels will change
      this.#sayBye();
    };
  }

  // Called by each view once it knows how many cards fit. The first call loads what the user looked at last.
  async open(perPage: number): Promise<void> {
    this.lists.perPage.value = perPage;
    if (this.#opened) return;
    this.#opened = true;
    this.#opened = await this.#sayHello();
  }

  // The host reports a change of the connection: sends pending requests again; if there are none, says `hello`.
  readonly check = (): void => {
    if (!this.state.isVisible) return;
    this.client.resendAll();
    if (this.client.isIdle()) void this.#sayHello();
  };

  // The user points at the annotator. Not every host reports that its kernel was shut down; without this check, the
  // user would learn it from the first label.
  readonly visit = (): void => {
    if (this.client.isIdle(CHECK_AFTER)) void this.#sayHello();
  };

  // The label file may have gone, or the kernel have ended: a page that says "saved" must not wait for the next label.
  // A tab in the background is checked once it is shown and pointed at.
  readonly #checkQuietly = (): void => {
    if (document.visibilityState === "visible" && this.client.isIdle(CHECK_EVERY)) void this.#sayHello([]);
  };

  #sayBye(): void {
    this.client.notify("bye", { page: this.client.page });
  }

  // Asks for the state, and for the labels of some clips. Returns true if the kernel replied.
  async #sayHello(clips = this.labels.known(MOST_CLIPS)): Promise<boolean> {
    const { client, state } = this;
    const selection = this.navigation.selection.value;
    try {
      const { result } = await client.request("hello", { page: client.page, clips });
      this.lists.remarks.addTags(result.tags);
      if (!state.isVisible) this.#sayBye(); // a `hello` that was sent again may have arrived after the first `bye`
      await (state.status.value ? this.updates.catchUp(result, selection) : this.#start(result));
      return true;
    } catch (error) {
      state.showError(error);
      return false;
    }
  }

  // Applies the reply to the first `hello`, and opens the first list.
  async #start({ status, session, corpus, selection }: HelloResult): Promise<void> {
    const { state, navigation } = this;
    state.error.value = "";
    state.status.value = status;
    navigation.selection.value = selection;
    this.labelling.persistIn(tabStorage(corpus, status.annotator, session));
    state.keepPlacesIn((concept) => placeStorage(corpus, status.annotator, concept));
    const { tab, query } = state.viewState.value;
    const usualTab = state.hasSavedViewState && canOpen(tab, status) ? tab : firstTab(status);
    const showsSelection = selection !== null && (!state.hasSavedViewState || tab === "search");
    await navigation.goTo({ tab: showsSelection ? "search" : usualTab, query: query || status.concept });
  }
}
