// Keys and help. A key is changed by pressing its button here, then the new key.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../annotator/store";
import type { View } from "../annotator/view";
import { COMMAND_NAMES, COMMANDS, isBindable, keyName, rebind, shortcut } from "../input/keys";
import { Icon } from "./icons";
import { Legend } from "./Legend";

export function Help({ store, view }: { store: Store; view: View }) {
  const changing = useSignal(""); // the command whose key is being changed
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => panel.current?.scrollIntoView({ block: "nearest" }), []);
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
      <Legend status={store.state.status.value} />
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
      <dl class="va-keys">
        {COMMAND_NAMES.map((command) => (
          <div key={command}>
            <dt>
              <button
                type="button"
                class="va-key"
                aria-label={`Key for ${COMMANDS[command][1]}: ${shortcut(command, keys)}`}
                aria-pressed={changing.value === command}
                title="Press to choose another key"
                onClick={() => {
                  changing.value = changing.value === command ? "" : command;
                }}
                onBlur={() => {
                  changing.value = "";
                }}
                onKeyDown={(event) => {
                  if (changing.value !== command || !isBindable(event)) return;
                  event.preventDefault();
                  event.stopPropagation();
                  store.state.updateViewState({ keys: rebind(keys, command, keyName(event)) });
                  changing.value = "";
                }}
              >
                {changing.value === command ? "press a key" : shortcut(command, keys)}
              </button>
            </dt>
            <dd>{COMMANDS[command][1]}</dd>
          </div>
        ))}
        {FIXED_KEYS.map(([key, description]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{description}</dd>
          </div>
        ))}
      </dl>
      <p>
        <button
          type="button"
          class="va-chip"
          aria-disabled={Object.keys(keys).length === 0}
          onClick={() => store.state.updateViewState({ keys: {} })}
        >
          All keys as they were
        </button>
      </p>
    </div>
  );
}

const FIXED_KEYS: readonly (readonly [string, string])[] = [
  ["← → ↑ ↓", "move"],
  ["Shift + arrows", "select a range"],
  ["Shift, Ctrl click", "select a range, one by one"],
  ["Esc", "close; back to the notebook"],
];
