// The concept that is being labelled: switch it, edit its guideline, publish its classifier.

import { type Signal, signal } from "@preact/signals";
import type { ConceptShown, Requests, Status } from "../kernel/protocol";
import { hintFeed } from "../lists/feeds";
import type { Lists } from "../lists/lists";
import { firstTab, type Navigation } from "../lists/navigation";
import type { AnnotatorState } from "../state/annotatorState";
import type { ShownLabels } from "../state/labels";
import type { Requester } from "../state/requester";
import { counted } from "../words";

export type Published = Requests["publish"]["result"];

export class Concept {
  readonly all: Signal<readonly ConceptShown[]> = signal([]); // the corpus's concepts, as of the latest `loadAll`
  readonly opening = signal(""); // the concept that the kernel is opening

  constructor(
    private readonly state: AnnotatorState,
    private readonly requester: Requester,
    private readonly labels: ShownLabels,
    private readonly lists: Lists,
    private readonly navigation: Navigation,
  ) {}

  // Returns true if it was saved.
  async setGuideline(text: string): Promise<boolean> {
    const reply = await this.requester.request("guideline", { text });
    if (reply) this.navigation.applyStatus(reply.result.status);
    return reply !== null;
  }

  async loadAll(): Promise<void> {
    const reply = await this.requester.request("concepts", {});
    if (reply) this.all.value = reply.result.concepts;
  }

  // Takes a concept that is empty out of `all`.
  async forget(concept: string): Promise<void> {
    const reply = await this.requester.request("forget", { concept });
    if (reply) this.all.value = reply.result.concepts;
  }

  // Returns whether it has the name now; the kernel then switches to it if it is open.
  async rename(concept: string, name: string): Promise<boolean> {
    const reply = await this.requester.request("rename_concept", { concept, name });
    if (!reply) return false;
    this.state.announce(`${concept} is called ${name} now`, true);
    await this.applySwitch(reply.result.status);
    await this.loadAll();
    return true;
  }

  async archive(concept: string, archived: boolean): Promise<void> {
    const reply = await this.requester.request("archive", { concept, archived });
    if (!reply) return;
    this.all.value = reply.result.concepts;
    this.state.announce(
      `${concept} is ${archived ? "archived: “archived” in the menu brings it back" : "restored"}`,
      true,
    );
  }

  // Offers the yes clips of another concept as a feed here, and opens the feed; or takes it away.
  async offerHints(concept: string, offered: boolean): Promise<void> {
    const reply = await this.requester.request("hints", { concept, offered });
    if (!reply) return;
    this.navigation.applyStatus(reply.result.status);
    if (offered) await this.navigation.openFeed(hintFeed(concept));
  }

  async switchTo(concept: string): Promise<void> {
    if (!concept.trim() || concept.trim() === this.state.concept) return;
    this.opening.value = concept.trim();
    const reply = await this.requester.request("switch", { concept });
    this.opening.value = "";
    if (reply) await this.applySwitch(reply.result.status);
  }

  // Writes the classifier as a model; returns what was written, or null if that failed.
  async publish(name: string): Promise<Published | null> {
    const reply = await this.requester.request("publish", { name });
    if (!reply) return null;
    this.navigation.applyStatus(reply.result.status);
    this.state.announce(`published ${reply.result.name}, version ${reply.result.version}`, true);
    return reply.result;
  }

  // The found clips as a file; null if the kernel cannot make it.
  async exportFound(): Promise<File | null> {
    const reply = await this.requester.request("export", {});
    const [data] = reply?.buffers ?? [];
    if (!reply || !data) return null;
    const { file, mime, clips } = reply.result;
    this.state.announce(`${counted(clips, "clip")} in ${file}`, true);
    return new File([data], file, { type: mime });
  }

  // Shows the concept of `status`, unless it is open already. It may have been switched in another window.
  async applySwitch(status: Status): Promise<void> {
    const { state } = this;
    if (status.concept === state.concept) return;
    state.status.value = status;
    this.labels.reset(status.concept);
    this.lists.remarks.reset();
    this.navigation.reset();
    state.announce(`concept: ${status.concept}`, false);
    await this.navigation.goTo({
      tab: firstTab(status),
      feed: "",
      query: status.concept,
      annotator: "",
      tag: "",
    });
  }
}
