// The concept that is being labelled: switch it, edit its guideline, publish its classifier.

import { type Signal, signal } from "@preact/signals";
import type { ConceptShown, Requests, Status } from "../kernel/protocol";
import { firstTab, type Navigation } from "../lists/navigation";
import type { AnnotatorState } from "../state/annotatorState";
import type { ShownLabels } from "../state/labels";
import type { Requester } from "../state/requester";

export type Published = Requests["publish"]["result"];

export class Concept {
  readonly all: Signal<readonly ConceptShown[]> = signal([]); // the corpus's concepts, as of the latest `loadAll`
  readonly opening = signal(""); // the concept that the kernel is opening

  constructor(
    private readonly state: AnnotatorState,
    private readonly requester: Requester,
    private readonly labels: ShownLabels,
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
    this.state.announce(`${clips} clips in ${file}`, true);
    return new File([data], file, { type: mime });
  }

  // Shows the concept of `status`, unless it is open already. It may have been switched in another window.
  async applySwitch(status: Status): Promise<void> {
    const { state } = this;
    if (status.concept === state.concept) return;
    state.status.value = status;
    this.labels.reset(status.concept);
    this.navigation.reset();
    state.announce(`concept: ${status.concept}`, false);
    await this.navigation.goTo({ tab: firstTab(status), feed: "", query: status.concept, annotator: "" });
  }
}
