// The player: the clip under the keyboard over the grid, at its preview's size. It follows the keyboard, so that a
// page can be looked through and labelled without closing it.

import { effect, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { type Command, keyOf, shown } from "../keys";
import type { Clip, Film } from "../media";
import { muted, PLAYER, pauseOthers, play, toggleMuted } from "../sound";
import type { Store } from "../store";
import { timeRange } from "../time";
import type { View } from "../view";
import { VALUES } from "./CardView";
import { Icon, Mark } from "./icons";
import { Picture } from "./Picture";

const STEP = 140; // ms a frame where the filmstrip has to stand in for the video
const CONTEXT = 2; // s before and after the clip
const USUAL_FRAME = 1 / 25; // s, until the video has shown two of its own

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly clip: string;
}

export function Player({ store, view, clip }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  const found = useSignal<Clip | null>(null);
  const trouble = useSignal("");
  const context = view.context.value;
  const label = store.labels.value.get(clip) ?? null;
  const film = store.media.film(clip).value;
  const index = view.focus.value;

  useEffect(() => {
    let gone = false;
    found.value = null;
    trouble.value = "";
    store.media.clip(clip, context ? CONTEXT : 0).then(
      (video) => {
        if (gone) return;
        found.value = video;
        // The one that is likely to be looked at after it.
        const next = store.clips.value[index + 1];
        if (next) void store.media.clip(next, context ? CONTEXT : 0).catch(() => undefined);
      },
      (error: Error) => {
        if (!gone) trouble.value = error.message;
      },
    );
    return () => {
      gone = true;
    };
  }, [clip, context, store, found, trouble, index]);

  // Beside the row of its card, as far as the grid is tall.
  useLayoutEffect(() => {
    const own = panel.current;
    const stage = own?.closest(".va-stage");
    const card = stage?.querySelector(`[data-index="${index}"]`);
    if (!own || !stage || !card) return;
    const [at, all] = [card.getBoundingClientRect(), stage.getBoundingClientRect()];
    const most = Math.max(0, all.height - own.offsetHeight);
    own.style.top = `${Math.max(0, Math.min(most, at.top - all.top))}px`;
    own.scrollIntoView({ block: "nearest" });
  }, [index, clip]);

  const video = found.value;
  const card = store.card(clip);
  return (
    <div class="va-loupe" ref={panel} role="group" aria-label="Player">
      <div class="va-screen">
        {video?.url ? (
          <Video key={video.url} view={view} video={video} />
        ) : (
          <Strip film={film} reason={trouble.value || video?.reason || ""} view={view} />
        )}
        {label && (
          <span class={`va-badge va-is-${label}`}>
            <Mark value={label} /> {label}
          </span>
        )}
      </div>
      <div class="va-controls">
        {video?.url && <Controls store={store} view={view} sound={video.sound} />}
        <span class="va-about">{card && [card.video, timeRange(card)].filter(Boolean).join(" · ")}</span>
        <span class="va-loupe-labels">
          {VALUES.map(([value, title]) => (
            <button
              type="button"
              key={value}
              class={`va-label va-is-${value}`}
              aria-label={title}
              title={`${title} (${shown(keyOf(value, store.place.value.keys))})`}
              aria-pressed={label === value}
              onClick={() => view.press(index, value)}
            >
              <Mark value={value} />
            </button>
          ))}
        </span>
        <button
          type="button"
          class="va-quiet va-small va-close"
          aria-label="Close the player"
          title="Close (Esc)"
          onClick={() => {
            view.playing.value = false;
          }}
        >
          <Icon name="close" />
        </button>
      </div>
    </div>
  );
}

function Controls({ store, view, sound }: { store: Store; view: View; sound: boolean }) {
  const { keys } = store.place.value;
  // A button that does nothing here still says so.
  const press = (
    sign: ComponentChildren,
    title: string,
    command: Command,
    does?: () => void,
    on?: boolean,
  ) => (
    <button
      type="button"
      class="va-quiet va-small"
      aria-label={title}
      title={does ? `${title} (${shown(keyOf(command, keys))})` : title}
      aria-disabled={does ? undefined : true}
      aria-pressed={on}
      onClick={does}
    >
      {sign}
    </button>
  );
  return (
    <>
      {press("‹", "One frame back", "back", () => view.playback?.step(-1))}
      {press("▷", "Play or pause", "play", () => view.playback?.toggle())}
      {press("›", "One frame on", "on", () => view.playback?.step(1))}
      {press("−", "Slower", "slower", () => view.faster(-1))}
      <span class="va-rate" aria-live="polite">
        {view.rate.value} ×
      </span>
      {press("+", "Faster", "faster", () => view.faster(1))}
      {press(
        "loop",
        "Loop",
        "loop",
        () => {
          view.loop.value = !view.loop.value;
        },
        view.loop.value,
      )}
      {press(
        "± 2 s",
        "2 s before and after",
        "context",
        () => {
          view.context.value = !view.context.value;
        },
        view.context.value,
      )}
      {sound
        ? press(<Icon name={muted.value ? "muted" : "sound"} />, "Mute", "mute", toggleMuted, muted.value)
        : press(<Icon name="muted" />, "No sound", "mute")}
    </>
  );
}

function Video({ view, video }: { view: View; video: Clip }) {
  const element = useRef<HTMLVideoElement>(null);
  const time = useSignal(0);
  const length = useSignal(0);
  const frame = useRef(USUAL_FRAME);

  // At once, not with the next drawing: browsers let a video be heard only while they know that a key was pressed.
  // And before the first one, so that a clip that shall be muted is never heard.
  useLayoutEffect(
    () =>
      effect(() => {
        const silent = muted.value || !video.sound;
        if (element.current) element.current.muted = silent;
      }),
    [video.sound],
  );

  useEffect(() => {
    const shownVideo = element.current;
    if (!shownVideo) return;
    view.playback = {
      toggle() {
        if (shownVideo.paused) void play(shownVideo);
        else shownVideo.pause();
      },
      step(frames) {
        shownVideo.pause();
        // The middle of the frame: a time on its edge may show either of two.
        const target =
          (Math.round(shownVideo.currentTime / frame.current - 0.5) + frames + 0.5) * frame.current;
        shownVideo.currentTime = Math.max(0, Math.min(shownVideo.duration - frame.current / 2, target));
      },
    };
    let last = -1;
    const measure = (_now: number, { mediaTime }: VideoFrameCallbackMetadata) => {
      if (last >= 0 && mediaTime > last && !shownVideo.seeking)
        frame.current = Math.max(1 / 60, Math.min(frame.current, mediaTime - last));
      last = mediaTime;
      shownVideo.requestVideoFrameCallback(measure);
    };
    if ("requestVideoFrameCallback" in shownVideo) shownVideo.requestVideoFrameCallback(measure);
    // Hosts keep cells that are scrolled away in the page: what nobody sees need not play, nor be heard.
    let [near, waits] = [false, true];
    const look = () => {
      if (near && !document.hidden) {
        if (waits) void play(shownVideo);
        waits = false;
      } else {
        waits ||= !shownVideo.paused;
        shownVideo.pause();
      }
    };
    const observer = new IntersectionObserver(([entry]) => {
      near = entry?.isIntersecting ?? false;
      look();
    });
    observer.observe(shownVideo);
    document.addEventListener("visibilitychange", look);
    return () => {
      observer.disconnect();
      document.removeEventListener("visibilitychange", look);
      shownVideo.pause();
      view.playback = null;
    };
  }, [view]);

  const rate = view.rate.value;
  useEffect(() => {
    if (element.current) element.current.playbackRate = rate;
  }, [rate]);

  const whole = length.value || 1;
  const around = video.start > 0 || video.end < length.value - 0.2;
  return (
    <>
      <video
        ref={element}
        class={PLAYER}
        src={video.url}
        loop={view.loop.value}
        playsInline
        onPlay={(event) => pauseOthers(event.currentTarget)}
        onLoadedMetadata={(event) => {
          length.value = event.currentTarget.duration;
          event.currentTarget.playbackRate = rate;
        }}
        onTimeUpdate={(event) => {
          time.value = event.currentTarget.currentTime;
        }}
        onClick={() => view.playback?.toggle()}
      />
      <span class="va-timeline">
        {around && (
          <span
            class="va-own"
            title="The clip itself"
            style={{ left: `${(100 * video.start) / whole}%`, right: `${100 - (100 * video.end) / whole}%` }}
          />
        )}
        <input
          type="range"
          class="va-seek"
          aria-label="Time in the clip"
          min={0}
          max={whole}
          step={0.01}
          value={time.value}
          onInput={(event) => {
            if (element.current) element.current.currentTime = Number(event.currentTarget.value);
          }}
        />
      </span>
      <span class="va-clock">
        {(time.value - video.start).toFixed(1)} / {(video.end - video.start).toFixed(1)} s
      </span>
    </>
  );
}

// Where there is no video: its filmstrip in motion, and why.
function Strip({ film, reason, view }: { film: Film; reason: string; view: View }) {
  const frame = useSignal(0);
  const { rate } = view;
  useEffect(() => {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const timer = setInterval(() => {
      frame.value = (frame.value + 1) % film.frames;
    }, STEP / rate.value);
    return () => clearInterval(timer);
  }, [film.frames, frame, rate.value]);
  return (
    <>
      <Picture film={film} frame={frame.value} />
      {reason && <span class="va-reason">{reason}</span>}
    </>
  );
}
