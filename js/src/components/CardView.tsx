// One clip: its filmstrip, which the pointer scrubs, its buttons, and one line about it.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { keyOf, shown } from "../keys";
import type { Card, Value } from "../protocol";
import type { Store } from "../store";
import { timeRange } from "../time";
import type { View } from "../view";
import { Icon, Mark } from "./icons";
import { Picture } from "./Picture";

export const VALUES: readonly [Value, string][] = [
  ["yes", "Yes"],
  ["no", "No"],
  ["unsure", "Unsure"],
];

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly clip: string;
  readonly card: Card | undefined; // not there yet
  readonly index: number;
  readonly id: string;
}

export function CardView({ store, view, clip, card, index, id }: Props) {
  const label = useComputed(() => store.labels.value.get(clip) ?? null).value;
  const unsaved = useComputed(() => store.unsaved.value.has(clip)).value;
  const current = useComputed(() => view.focus.value === index).value;
  const selected = useComputed(() => view.selected.value.has(index)).value;
  const classes = [
    "va-card",
    label ? `va-is-${label}` : "",
    unsaved ? "va-unsaved" : "",
    selected ? "va-selected" : "",
    current ? "va-current" : "",
  ];
  const said = label ? `${label}${unsaved ? ", not saved yet" : ""}` : "no label";
  const about = card
    ? [card.video, timeRange(card, " to "), card.reason].filter(Boolean).join(", ")
    : "loading";
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the root handles every key
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names the current card
    <div
      class={classes.filter(Boolean).join(" ")}
      role="gridcell"
      id={id}
      data-clip={clip}
      data-label={label ?? ""}
      data-index={index}
      aria-label={`${said}: ${about}`}
      aria-selected={selected}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey) view.toggle(index);
        else view.pick(index, event.shiftKey);
        const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
        if (plain && (event.target as Element).closest(".va-thumb")) view.playing.value = true;
      }}
    >
      <Thumb store={store} clip={clip} />
      {label && (
        <span class="va-badge">
          <Mark value={label} /> {label}
          {unsaved && <span class="va-badge-unsaved"> · unsaved</span>}
        </span>
      )}
      {card && <Score card={card} review={store.place.value.tab === "review"} />}
      <span class="va-buttons">
        {VALUES.map(([value, title]) => (
          <button
            type="button"
            key={value}
            tabIndex={-1}
            class={`va-label va-is-${value}`}
            data-value={value}
            aria-label={title}
            title={`${title} (${shown(keyOf(value, store.place.value.keys))})`}
            aria-pressed={label === value}
            onClick={(event) => {
              event.stopPropagation();
              view.press(index, value);
            }}
          >
            <Mark value={value} />
          </button>
        ))}
        <button
          type="button"
          tabIndex={-1}
          class="va-label va-alike"
          aria-label="More like this"
          title={`More like this (${shown(keyOf("alike", store.place.value.keys))})`}
          onClick={(event) => {
            event.stopPropagation();
            void store.alike(clip);
          }}
        >
          <Icon name="alike" />
        </button>
      </span>
      <div class="va-line">
        {card && (
          <>
            <span class="va-video" title={card.video}>
              {card.video}
            </span>
            <span class="va-time">{timeRange(card)}</span>
            <span class="va-why">{why(card)}</span>
          </>
        )}
      </div>
    </div>
  );
}

// The picture alone is drawn again while the pointer scrubs, once a frame of the screen.
function Thumb({ store, clip }: { store: Store; clip: string }) {
  const film = store.media.film(clip).value;
  const frame = useSignal<number | null>(null);
  const waiting = useRef(0);
  useEffect(() => () => cancelAnimationFrame(waiting.current), []);
  const now = frame.value ?? Math.floor(film.frames / 2);
  return (
    <div
      class="va-thumb"
      data-frame={now}
      onPointerMove={(event) => {
        const picture = event.currentTarget;
        const x = event.clientX;
        cancelAnimationFrame(waiting.current);
        waiting.current = requestAnimationFrame(() => {
          const box = picture.getBoundingClientRect();
          const part = (x - box.left) / Math.max(1, box.width);
          frame.value = Math.max(0, Math.min(film.frames - 1, Math.floor(part * film.frames)));
        });
      }}
      onPointerLeave={() => {
        cancelAnimationFrame(waiting.current);
        frame.value = null;
      }}
    >
      <Picture film={film} frame={now} />
    </div>
  );
}

function Score({ card, review }: { card: Card; review: boolean }) {
  const score = review ? card.suspicion : card.score;
  if (score === null) return null;
  const part = Math.max(0, Math.min(1, score));
  return (
    <>
      <span class="va-score" title={review ? "How far the classifier disagrees with the label" : "Score"}>
        {score.toFixed(2).replace(/^0/, "")}
      </span>
      <span class="va-gauge">
        <span class="va-bar" style={{ width: `${part * 100}%` }} />
      </span>
    </>
  );
}

function why(card: Card): string {
  if (card.note) return card.note;
  if (card.suspicion !== null)
    return card.suspicion > 0.5 ? `looks like ${card.label === "yes" ? "no" : "yes"}` : "";
  return card.reason;
}
