// Which key does what. A key is changed by pressing its button here, then the new key.

import { useSignal } from "@preact/signals";
import { COMMANDS, type Command, isBindable, type Keys, keyName, rebind, shortcut } from "../input/keys";

interface Props {
  readonly commands: readonly Command[];
  readonly keys: Keys;
  readonly change: (keys: Keys) => void;
}

export function KeyList({ commands, keys, change }: Props) {
  const changing = useSignal(""); // the command whose key is being changed
  return (
    <>
      <dl class="va-keys">
        {commands.map((command) => (
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
                  change(rebind(keys, command, keyName(event)));
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
          onClick={() => change({})}
        >
          Reset all keys
        </button>
      </p>
    </>
  );
}

const FIXED_KEYS: readonly (readonly [string, string])[] = [
  ["← → ↑ ↓", "move"],
  ["Shift + arrows", "select a range"],
  ["Shift, Ctrl click", "select a range, one by one"],
  ["Esc", "close; back to the notebook"],
];
