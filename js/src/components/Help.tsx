// Keys, and what the words on the page mean: one of the two, so that the help is no longer than the page.

import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../annotator/store";
import type { View } from "../annotator/view";
import { COMMAND_NAMES } from "../input/keys";
import { Icon } from "./icons";
import { KeyList } from "./KeyList";
import { Legend } from "./Legend";

const PARTS = [
  ["keys", "Keys"],
  ["words", "What is what"],
] as const;

export function Help({ store, view }: { store: Store; view: View }) {
  const panel = useRef<HTMLDivElement>(null);
  const { helpPart } = view;
  useEffect(() => panel.current?.scrollIntoView({ block: "nearest" }), [helpPart.value]);
  const { keys, turns } = store.state.viewState.value;
  return (
    <div class="va-help va-keeps-focus" ref={panel} role="dialog" aria-label="Keys and help">
      <button
        type="button"
        class="va-quiet va-small va-close va-help-close"
        aria-label="Close"
        onClick={() => {
          view.helpOpen.value = false;
        }}
      >
        <Icon name="close" />
      </button>
      <div class="va-feeds va-help-parts" role="group" aria-label="Parts of the help">
        {PARTS.map(([part, name]) => (
          <button
            type="button"
            key={part}
            class="va-chip"
            aria-pressed={helpPart.value === part}
            onClick={() => {
              helpPart.value = part;
            }}
          >
            {name}
          </button>
        ))}
      </div>
      {helpPart.value === "words" && <Legend status={store.state.status.value} />}
      {helpPart.value === "keys" && (
        <>
          <KeyList
            commands={COMMAND_NAMES}
            keys={keys}
            change={(changed) => store.state.updateViewState({ keys: changed })}
          />
          <p>
            <label>
              <input
                type="checkbox"
                checked={turns}
                onChange={(event) => store.state.updateViewState({ turns: event.currentTarget.checked })}
              />{" "}
              The next page opens by itself when the last clip of a page is labelled by key
            </label>
          </p>
        </>
      )}
    </div>
  );
}
