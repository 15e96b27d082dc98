// The keys, on one card.

import type { View } from "../state";
import { Icon } from "./icons";

const KEYS: readonly [string, string][] = [
  ["Y · N · U", "yes, no, unsure, and on to the next clip"],
  ["a pressed button", "pressed again takes the label back"],
  ["← → ↑ ↓", "move"],
  ["Shift + arrows", "select a range; Y, N or U labels all of it"],
  ["Space", "play or stop"],
  ["Enter", "the rest of the page is no; next page"],
  ["Z · Shift + Z", "undo, redo"],
  ["1 – 4", "feeds: top +, borderline, random, top −"],
  ["/", "search"],
  ["Esc", "close, let go"],
];

export function Help({ view }: { view: View }) {
  return (
    <div class="va-help" role="dialog" aria-label="Keys">
      <button
        type="button"
        class="va-quiet va-small va-help-close"
        aria-label="Close"
        onClick={() => {
          view.help.value = false;
        }}
      >
        <Icon name="close" />
      </button>
      <dl>
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>
        Search for first examples, label them, then let the feeds ask you. Every batch of labels refits the
        classifier; new clips wait until you ask for the next page.
      </p>
    </div>
  );
}
