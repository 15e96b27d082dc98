// One clip of the query: its picture, the score that ranks it, and those of the query's names.

import { useComputed } from "@preact/signals";
import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView } from "../../explorer/view";
import type { Hit } from "../../kernel/explorerProtocol";
import { timeRange } from "../../lists/time";
import type { Place } from "../cards/CardGrid";
import { Thumb } from "../cards/Thumb";
import { numberText } from "../score";
import { VideoName } from "../VideoName";

interface Props extends Place {
  readonly store: ExplorerStore;
  readonly view: ExplorerView;
  readonly hit: Hit;
}

export function HitCard({ store, view, hit, index, id, width }: Props) {
  const { clip, score } = hit;
  const current = useComputed(() => view.cards.focus.value === index).value;
  const plays = useComputed(
    () => view.cards.focus.value === index && view.hasKeyboard.value && !view.player.open.value,
  ).value;
  const selected = useComputed(() => view.cards.selected.value.has(index)).value;
  const classes = ["va-card", selected ? "va-selected" : "", current ? "va-current" : ""];
  const names = store.hits.names.value;
  const scores = names.map((name, i) => [name, scoreText(hit.scores[i] ?? null)] as const);
  const line = [...scores.map((pair) => pair.join(" ")), hit.video, timeRange(hit)];
  const spoken = [
    ...scores.map((pair) => pair.join(" ")),
    hit.video,
    timeRange(hit, " to "),
    hit.motion?.words,
  ];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the root handles every key
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names the current card
    <div
      class={classes.filter(Boolean).join(" ")}
      role="gridcell"
      id={id}
      data-clip={clip}
      data-index={index}
      aria-label={spoken.filter(Boolean).join(", ")}
      aria-selected={selected}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey) view.cards.toggle(index);
        else view.cards.focusCard(index, event.shiftKey);
        const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
        if (isPlain && (event.target as Element).closest(".va-thumb")) view.player.open.value = true;
      }}
    >
      <Thumb media={store.media} clip={clip} plays={plays} width={width} />
      {score !== null && (
        <span class="va-score" title="The query's score, which ranks the clip">
          {numberText(score)}
        </span>
      )}
      <div class="va-line va-hit-line" title={line.filter(Boolean).join(" · ")}>
        <span class="va-why">
          {scores.map(([name, text]) => (
            <span key={name} class="va-name-score">
              {name} <b>{text}</b>
            </span>
          ))}
        </span>
        <VideoName name={hit.video} />
        <span class="va-time">{timeRange(hit)}</span>
      </div>
    </div>
  );
}

const scoreText = (score: number | string | null): string =>
  score === null ? "–" : typeof score === "number" ? numberText(score) : score;
