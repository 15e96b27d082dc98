// Keys and help. Every key can be changed: press it here, then the one you want.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { bindable, COMMANDS, keyOf, NAMES, shown, spell } from "../keys";
import type { Store } from "../store";
import type { View } from "../view";
import { Icon } from "./icons";

export function Help({ store, view }: { store: Store; view: View }) {
  const asked = useSignal("");
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => panel.current?.scrollIntoView({ block: "nearest" }), []);
  const { keys } = store.place.value;
  return (
    <div class="va-help va-keeps-focus" ref={panel} role="dialog" aria-label="Keys and help">
      <button
        type="button"
        class="va-quiet va-small va-close va-help-close"
        aria-label="Close"
        onClick={() => {
          view.help.value = false;
        }}
      >
        <Icon name="close" />
      </button>
      <p>
        Search for first examples, label them, then let the feeds ask you. Every batch of labels refits the
        classifier; new clips wait until you ask for them.
      </p>
      <dl class="va-keys">
        {NAMES.map((command) => (
          <div key={command}>
            <dt>
              <button
                type="button"
                class="va-key"
                aria-label={`Key for ${COMMANDS[command][1]}: ${shown(keyOf(command, keys))}`}
                aria-pressed={asked.value === command}
                title="Press to choose another key"
                onClick={() => {
                  asked.value = asked.value === command ? "" : command;
                }}
                onBlur={() => {
                  asked.value = "";
                }}
                onKeyDown={(event) => {
                  if (asked.value !== command || !bindable(event)) return;
                  event.preventDefault();
                  event.stopPropagation();
                  store.rebind(command, spell(event));
                  asked.value = "";
                }}
              >
                {asked.value === command ? "press a key" : shown(keyOf(command, keys))}
              </button>
            </dt>
            <dd>{COMMANDS[command][1]}</dd>
          </div>
        ))}
        {FIXED.map(([key, what]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>
        <button
          type="button"
          class="va-chip"
          aria-disabled={Object.keys(keys).length === 0}
          onClick={() => store.resetKeys()}
        >
          All keys as they were
        </button>
      </p>
    </div>
  );
}

const FIXED: readonly (readonly [string, string])[] = [
  ["← → ↑ ↓", "move"],
  ["Shift + arrows", "select a range"],
  ["Shift, Ctrl click", "select a range, one by one"],
  ["Esc", "close; back to the notebook"],
];
