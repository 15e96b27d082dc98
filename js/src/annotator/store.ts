// The annotator's parts: one store a model, shared by all its views. Each part uses only parts above it.

import { Client, type Model } from "../kernel/client";
import { Media } from "../kernel/media";
import { Outbox } from "../kernel/outbox";
import { Lists } from "../lists/lists";
import { Navigation } from "../lists/navigation";
import { AnnotatorState } from "../state/annotatorState";
import { ShownLabels } from "../state/labels";
import { Remarks } from "../state/remarks";
import { Requester } from "../state/requester";
import { Concept } from "./concept";
import { Connection } from "./connection";
import { Labelling } from "./labelling";
import { Updates } from "./updates";

// Jupyter's widget models emit this when their kernel was restarted, and when a broken connection is restored.
const CONNECTION_EVENT = "comm_live_update";

export class Store {
  readonly state: AnnotatorState; // status, view state, messages
  readonly client: Client; // requests and replies
  readonly outbox: Outbox; // changes that are not acknowledged yet
  readonly media: Media; // filmstrips and previews
  readonly labels: ShownLabels; // the label of each clip
  readonly lists: Lists; // search, feeds, review
  readonly navigation: Navigation; // opens the lists
  readonly labelling: Labelling; // label, undo, redo
  readonly concept: Concept; // switch, guideline, publish
  readonly connection: Connection; // hello, bye, lost kernels

  constructor(private readonly model: Model) {
    const state = new AnnotatorState(model);
    this.state = state;
    this.client = new Client(
      model,
      (event) => updates.onEvent(event),
      (busy) => {
        state.busy.value = busy;
      },
      (lost) => {
        state.lost.value = lost;
      },
    );
    const outbox = new Outbox(this.client);
    this.outbox = outbox;
    const requester = new Requester(this.client, state);
    this.media = new Media(this.client);
    this.labels = new ShownLabels(state, outbox);
    this.lists = new Lists(state, this.labels, new Remarks(state, outbox), this.media, requester);
    this.navigation = new Navigation(state, requester, this.lists);
    this.labelling = new Labelling(state, outbox, this.labels, this.lists);
    this.concept = new Concept(state, requester, this.labels, this.lists, this.navigation);
    const updates = new Updates(state, this.labels, this.lists, this.navigation, this.concept);
    this.connection = new Connection(
      this.client,
      state,
      this.labels,
      this.lists,
      this.navigation,
      this.labelling,
      updates,
    );
    model.on(CONNECTION_EVENT, this.connection.check);
  }

  close(): void {
    this.model.off(CONNECTION_EVENT, this.connection.check);
    this.client.close();
    this.outbox.close();
    this.media.close();
  }
}
