// Keys and help.

import { useEffect, useRef } from "preact/hooks";
import type { Store } from "../annotator/store";
import type { View } from "../annotator/view";
import { COMMAND_NAMES } from "../input/keys";
import { Icon } from "./icons";
import { KeyList } from "./KeyList";
import { Legend } from "./Legend";

export function Help({ store, view }: { store: Store; view: View }) {
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
      <KeyList
        commands={COMMAND_NAMES}
        keys={keys}
        change={(changed) => store.state.updateViewState({ keys: changed })}
      />
    </div>
  );
}
