// Publishes the classifier as a model under a name; without one, under the concept's. Says what is found, where the model
// was written and how it is loaded, and exports the found clips.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Published } from "../../annotator/concept";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { type Found, LONGEST_CONCEPT } from "../../kernel/protocol";
import { hasBothClasses } from "../../lists/feeds";
import { download } from "../download";
import { moveByArrows, useCloseOutside } from "../popover";
import { shortScore } from "../score";
import { toggle } from "../toggle";

interface Props {
  readonly store: Store;
  readonly view: View;
}

export function Publish({ store, view }: Props) {
  const status = store.state.status.value;
  const ready = status !== null && hasBothClasses(status);
  const place = useRef<HTMLSpanElement>(null);
  useCloseOutside(place, view.publishOpen.value, () => {
    view.publishOpen.value = false;
  });
  return (
    <span class="va-publish-place va-keeps-focus" ref={place}>
      <button
        type="button"
        class="va-chip"
        aria-haspopup="dialog"
        aria-expanded={view.publishOpen.value}
        disabled={!ready}
        title={
          ready
            ? "Write this classifier as a model beside the corpus, or export what it finds"
            : "It needs at least one yes and one no"
        }
        onClick={() => toggle(view.publishOpen)}
      >
        Publish …
      </button>
      {view.publishOpen.value && ready && (
        <Panel store={store} concept={status.concept} found={status.found} />
      )}
    </span>
  );
}

function Panel({ store, concept, found }: { store: Store; concept: string; found: Found | null }) {
  const input = useRef<HTMLInputElement>(null);
  const name = useSignal("");
  const published = useSignal<Published | null>(null);
  const publishing = useSignal(false);
  useEffect(() => input.current?.focus({ preventScroll: true }), []);
  const publish = async () => {
    if (publishing.value) return;
    publishing.value = true;
    published.value = await store.concept.publish(name.value.trim() || concept);
    publishing.value = false;
  };
  return (
    <div class="va-menu va-publish" role="dialog" aria-label="Publish" onKeyDown={moveByArrows}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void publish();
        }}
      >
        <input
          ref={input}
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
            <b>{shortScore(found.threshold)}</b> or more ({found.why}).
          </p>
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
    </div>
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
