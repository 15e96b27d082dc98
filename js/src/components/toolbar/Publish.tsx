// Publishes the classifier as a model under a name; without one, under the concept's.

import { useSignal } from "@preact/signals";
import type { Store } from "../../annotator/store";
import { LONGEST_CONCEPT } from "../../kernel/protocol";
import { hasBothClasses } from "../../lists/feeds";

export function Publish({ store }: { store: Store }) {
  const status = store.state.status.value;
  const name = useSignal("");
  const concept = status?.concept ?? "";
  const ready = status !== null && hasBothClasses(status);
  return (
    <form
      class="va-publish"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void store.concept.publish(name.value.trim() || concept);
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
      <button
        type="submit"
        class="va-chip"
        disabled={!ready}
        title={
          ready
            ? "Write this classifier as a model beside the corpus"
            : "It needs at least one yes and one no"
        }
      >
        Publish
      </button>
    </form>
  );
}
