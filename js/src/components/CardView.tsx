// One clip: its filmstrip, which the pointer scrubs, its buttons, and one line about it.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Film } from "../media";
import type { Card, Value } from "../protocol";
import type { Store, View } from "../state";
import { Icon, Mark } from "./icons";

const BUTTONS: readonly [Value, string][] = [
  ["yes", "Yes (Y)"],
  ["no", "No (N)"],
  ["unsure", "Unsure (U)"],
];
const STEP = 140; // ms a frame where the filmstrip has to stand in for the video

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly card: Card;
  readonly index: number;
  readonly id: string;
}

export function CardView({ store, view, card, index, id }: Props) {
  const film = store.media.film(card.clip).value;
  const frame = useSignal<number | null>(null);
  const label = store.labels.value.get(card.clip) ?? null;
  const focused = view.focus.value === index;
  const playing = view.playing.value === card.clip;
  const shown = frame.value ?? Math.floor(film.frames / 2);
  const classes = [
    "va-card",
    label ? `va-is-${label}` : "",
    view.selected.value.has(index) ? "va-selected" : "",
    focused ? "va-current" : "",
  ];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the root handles every key
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names the current card
    <div
      class={classes.join(" ")}
      role="gridcell"
      id={id}
      data-clip={card.clip}
      data-label={label ?? ""}
      data-index={index}
      aria-label={`${card.video}, ${clock(card.start)} to ${clock(card.end)}, ${label ?? "no label"}, ${card.reason}`}
      aria-selected={view.selected.value.has(index)}
      onClick={(event) => {
        if (event.shiftKey) view.pick(index, true);
        else view.pick(index, false);
      }}
    >
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Space plays */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a picture to play, also by Space */}
      <div
        class="va-thumb"
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const part = (event.clientX - box.left) / Math.max(1, box.width);
          frame.value = Math.max(0, Math.min(film.frames - 1, Math.floor(part * film.frames)));
        }}
        onPointerLeave={() => {
          frame.value = null;
        }}
        onClick={(event) => {
          if (!event.shiftKey) view.playing.value = playing ? "" : card.clip;
        }}
        data-frame={shown}
      >
        {playing ? (
          <Player store={store} clip={card.clip} film={film} />
        ) : (
          <Picture film={film} frame={shown} />
        )}
        {label && (
          <span class="va-badge">
            <Mark value={label} /> {label}
          </span>
        )}
        <Score card={card} review={store.place.value.tab === "review"} />
        <span class="va-buttons">
          {BUTTONS.map(([value, title]) => (
            <button
              type="button"
              key={value}
              tabIndex={-1}
              class={`va-label va-is-${value}`}
              data-value={value}
              aria-label={title}
              title={title}
              aria-pressed={label === value}
              onClick={(event) => {
                event.stopPropagation();
                view.pick(index, false);
                void store.toggle(card.clip, value);
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
            title="More like this"
            onClick={(event) => {
              event.stopPropagation();
              void store.similar(card.clip);
            }}
          >
            <Icon name="alike" />
          </button>
        </span>
      </div>
      <div class="va-line">
        <span class="va-video" title={card.video}>
          {card.video}
        </span>
        <span class="va-time">
          {clock(card.start)}–{clock(card.end)}
        </span>
        <span class="va-why">{why(card)}</span>
      </div>
    </div>
  );
}

function Picture({ film, frame }: { film: Film; frame: number }) {
  if (!film.url) return <span class="va-missing">{film.reason}</span>;
  const last = Math.max(1, film.frames - 1);
  const wide = film.width / film.height >= 16 / 9;
  return (
    <span
      class={`va-film ${wide ? "va-wide" : "va-tall"}`}
      style={{
        aspectRatio: `${film.width} / ${film.height}`,
        backgroundImage: `url("${film.url}")`,
        backgroundSize: `${film.frames * 100}% 100%`,
        backgroundPosition: `${(Math.min(frame, last) / last) * 100}% 0`,
      }}
    />
  );
}

// The clip itself, or, where its video is gone, its filmstrip in motion and the reason.
function Player({ store, clip, film }: { store: Store; clip: string; film: Film }) {
  const url = useSignal("");
  const reason = useSignal("");
  const frame = useSignal(0);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    let gone = false;
    store.media.clip(clip).then(
      (found) => {
        if (gone) return;
        url.value = found.url;
        reason.value = found.reason;
      },
      (error: Error) => {
        reason.value = error.message;
      },
    );
    return () => {
      gone = true;
    };
  }, [clip, store, url, reason]);
  useEffect(() => {
    if (url.value) return;
    const timer = setInterval(() => {
      frame.value = (frame.value + 1) % film.frames;
    }, STEP);
    return () => clearInterval(timer);
  }, [url.value, film.frames, frame]);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    // Hosts keep cells that are scrolled away in the page: what nobody sees need not play.
    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) void element.play().catch(() => element.pause());
      else element.pause();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [url.value]);
  if (url.value) return <video ref={video} class="va-player" src={url.value} muted loop playsInline />;
  return (
    <>
      <Picture film={film} frame={frame.value} />
      {reason.value && <span class="va-reason">{reason.value}</span>}
    </>
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
      <span class="va-bar" style={{ width: `${part * 100}%` }} />
    </>
  );
}

function why(card: Card): string {
  if (card.note) return card.note;
  if (card.suspicion !== null)
    return card.suspicion > 0.5 ? `looks like ${card.label === "yes" ? "no" : "yes"}` : "";
  return card.reason;
}

export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (number: number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}
