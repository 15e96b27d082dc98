// The video of a clip with its timeline. Plays while it is in sight; keys control it through `player.playback`.

import { effect, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { PlayerState } from "../../annotator/playerState";
import type { Preview } from "../../kernel/media";
import { muted, PLAYER_CLASS, pauseOthers, play, SUPERSEDED } from "./sound";

const USUAL_FRAME_TIME = 1 / 25; // s, until two frames of the video have been shown
const MIN_FRAME_TIME = 1 / 60;

export function Video({ player, preview }: { player: PlayerState; preview: Preview }) {
  const element = useRef<HTMLVideoElement>(null);
  const time = useSignal(0);
  const duration = useSignal(0);
  useMuted(element, preview.sound);
  usePlayback(element, player);
  usePlayInSight(element);

  const rate = player.rate.value;
  useEffect(() => {
    if (element.current) element.current.playbackRate = rate;
  }, [rate]);

  const whole = duration.value || 1;
  const hasContext = preview.start > 0 || preview.end < duration.value - 0.2;
  return (
    <>
      <video
        ref={element}
        class={PLAYER_CLASS}
        src={preview.url}
        loop={player.loop.value}
        playsInline
        onPlay={(event) => {
          player.playing.value = true;
          pauseOthers(event.currentTarget);
        }}
        onPause={() => {
          player.playing.value = false;
        }}
        onLoadedMetadata={(event) => {
          duration.value = event.currentTarget.duration;
          event.currentTarget.playbackRate = rate;
        }}
        onTimeUpdate={(event) => {
          time.value = event.currentTarget.currentTime;
        }}
        onClick={() => player.playback?.toggle()}
      />
      <span class="va-timeline">
        {hasContext && (
          <span
            class="va-own"
            title="The clip itself"
            style={{
              left: `${(100 * preview.start) / whole}%`,
              right: `${100 - (100 * preview.end) / whole}%`,
            }}
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
        {(time.value - preview.start).toFixed(1)} / {(preview.end - preview.start).toFixed(1)} s
      </span>
    </>
  );
}

// Mutes the video when `muted` changes, in the same task and not with the next rendering: browsers allow sound only
// while they handle a key or a click. Runs before the video first plays, so that a muted clip is never heard.
function useMuted(element: RefObject<HTMLVideoElement>, sound: boolean): void {
  useLayoutEffect(
    () =>
      effect(() => {
        const silent = muted.value || !sound;
        if (element.current) element.current.muted = silent;
      }),
    [element, sound],
  );
}

// Lets keys and buttons play, pause and step the video.
function usePlayback(element: RefObject<HTMLVideoElement>, player: PlayerState): void {
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    let frameTime = USUAL_FRAME_TIME;
    player.playback = {
      toggle() {
        if (video.paused) void play(video);
        else video.pause();
      },
      step(frames) {
        video.pause();
        // Seeks to the middle of a frame: at its edge, browsers may show either of two.
        const target = (Math.round(video.currentTime / frameTime - 0.5) + frames + 0.5) * frameTime;
        video.currentTime = Math.max(0, Math.min(video.duration - frameTime / 2, target));
      },
    };
    // Measures the frame time while the video plays; browsers do not report it.
    let last = -1;
    const measure = (_now: number, { mediaTime }: VideoFrameCallbackMetadata) => {
      if (last >= 0 && mediaTime > last && !video.seeking)
        frameTime = Math.max(MIN_FRAME_TIME, Math.min(frameTime, mediaTime - last));
      last = mediaTime;
      video.requestVideoFrameCallback(measure);
    };
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(measure);
    return () => {
      player.playback = null;
      player.playing.value = false;
    };
  }, [element, player]);
}

// Plays the video while it is in sight, and pauses it while it is scrolled away (notebooks keep such cells in the page)
// or the browser tab is hidden.
function usePlayInSight(element: RefObject<HTMLVideoElement>): void {
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    let inSight = false;
    let resume = true; // when the video is in sight again
    const update = () => {
      if (inSight && !document.hidden) {
        if (resume) void play(video);
        resume = false;
      } else {
        resume ||= !video.paused;
        video.pause();
      }
    };
    const stay = () => {
      resume = false;
    };
    video.addEventListener(SUPERSEDED, stay);
    const observer = new IntersectionObserver(([entry]) => {
      inSight = entry?.isIntersecting ?? false;
      update();
    });
    observer.observe(video);
    document.addEventListener("visibilitychange", update);
    return () => {
      observer.disconnect();
      video.removeEventListener(SUPERSEDED, stay);
      document.removeEventListener("visibilitychange", update);
      video.pause();
    };
  }, [element]);
}
