// What a query may say, and the keys.

import { useEffect, useRef } from "preact/hooks";
import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView } from "../../explorer/view";
import { Icon } from "../icons";
import { KeyList } from "../KeyList";
import { EXPLORER_COMMANDS } from "./explorerCommands";

const EXAMPLES: readonly (readonly [string, string])[] = [
  ["night_city", "clips from the model’s own threshold on"],
  ["night_city > 0.7 and not rain", "scores are compared; and, or, not, parentheses"],
  ["0.7 * night_city + 0.3 * rain", "weights: ranks by the sum"],
  ['year > 1990 and genre == "noir"', "any column of the corpus"],
  ['text("a red car") and night_city', "words, where the corpus has a text model"],
];

export function ExplorerHelp({ store, view }: { store: ExplorerStore; view: ExplorerView }) {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => panel.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div class="va-help va-keeps-focus" ref={panel} role="dialog" aria-label="Keys and help">
      <button
        type="button"
        class="va-quiet va-small va-close va-help-close"
        aria-label="Close"
        onClick={() => {
          view.panel.value = "";
        }}
      >
        <Icon name="close" />
      </button>
      <p>
        Type a query and press Enter. The number beside the box counts while you type. Each name of the query
        shows how its scores are spread over all clips, in colour those that match; drag its line to move the
        threshold.
      </p>
      <dl class="va-legend">
        {EXAMPLES.map(([query, meaning]) => (
          <div key={query}>
            <dt>
              <code>{query}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <KeyList
        commands={EXPLORER_COMMANDS}
        keys={store.state.viewState.value.keys}
        change={(keys) => store.state.updateViewState({ keys })}
      />
    </div>
  );
}
