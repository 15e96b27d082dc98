// Publishes the classifier as a model under a name; without one, under the concept's. Says what is found, where the model
// was written and how it is loaded, and exports the found clips.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Published } from "../../annotator/concept";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { type Found, LONGEST_CONCEPT } from "../../kernel/protocol";
import { hasBothClasses } from "../../lists/feeds";
import { download } from "../download";
import { Menu } from "../Menu";
import { shortScore } from "../score";

interface Props {
  readonly store: Store;
  readonly view: View;
}

export function Publish({ store, view }: Props) {
  const status = store.state.status.value;
  const ready = status !== null && hasBothClasses(status);
  return (
    <Menu
      place="va-publish-place"
      text="Publish …"
      title={
        ready
          ? "Write this classifier as a model beside the corpus, or export what it finds"
          : "It needs at least one yes and one no"
      }
      disabled={!ready}
      label="Publish"
      menu="va-publish"
      isOpen={view.publishOpen.value && ready}
      set={(isOpen) => {
        view.publishOpen.value = isOpen;
      }}
    >
      {ready && <Panel store={store} concept={status.concept} found={status.found} />}
    </Menu>
  );
}

function Panel({ store, concept, found }: { store: Store; concept: string; found: Found | null }) {
  const name = useSignal("");
  const published = useSignal<Published | null>(null);
  const publishing = useSignal(false);
  const publish = async () => {
    if (publishing.value) return;
    publishing.value = true;
    published.value = await store.concept.publish(name.value.trim() || concept);
    publishing.value = false;
  };
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void publish();
        }}
      >
        <input
          type="text"
          class="va-input"
          maxLength={LONGEST_CONCEPT}
          aria-label="The model's name"
          placeholder={concept}
          title={name.value || concept}
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="va-chip va-primary" aria-disabled={publishing.value}>
          Publish
        </button>
      </form>
      {found && (
        <>
          <p>
            <b>{found.clips}</b> clips are found: you called them yes, or they score{" "}
            <b>{shortScore(found.threshold)}</b> or more.
          </p>
          <p title={`Why this score: ${found.why}.`}>{found.expect}</p>
          <p>
            <button
              type="button"
              class="va-chip"
              onClick={async () => download(await store.concept.exportFound())}
            >
              Export the found clips (CSV)
            </button>
          </p>
        </>
      )}
      {published.value && <Result published={published.value} />}
    </>
  );
}

function Result({ published }: { published: Published }) {
  const line = useRef<HTMLElement>(null);
  const copied = useSignal(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(published.line);
      copied.value = true;
    } catch {
      // The browser allows it on secure pages only: Ctrl+C then copies what is selected.
      if (line.current) getSelection()?.selectAllChildren(line.current);
    }
  };
  return (
    <div class="va-published" role="status">
      <p>
        Published as <b>{published.name}</b>, version {published.version}, in
      </p>
      <code>{published.folder}</code>
      <p>A notebook loads it with</p>
      <code ref={line}>{published.line}</code>
      <p>
        <button type="button" class="va-chip" onClick={() => void copy()}>
          {copied.value ? "Copied" : "Copy the line"}
        </button>
      </p>
    </div>
  );
}
