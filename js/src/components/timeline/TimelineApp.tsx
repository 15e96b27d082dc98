// A video with the scores of models over its clips: the player, and a strip for each model below it.

import { useComputed } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { PlayerState } from "../../annotator/playerState";
import type { ExplorerStore } from "../../explorer/store";
import { type Action, shortcut } from "../../input/keys";
import { timeRange } from "../../lists/time";
import { ErrorMessage, Frame } from "../Frame";
import { Controls } from "../player/Controls";
import { Screen, usePreview } from "../player/Screen";
import { muted } from "../player/sound";
import { toggle } from "../toggle";
import { ClipName } from "../VideoName";
import { Strips } from "./Strips";

export function TimelineApp({ store }: { store: ExplorerStore }) {
  const root = useRef<HTMLDivElement>(null);
  const { state, timeline } = store;
  useEffect(() => void store.timeline.load("", ""), [store]);
  const shown = timeline.shown.value;
  const clip = useComputed(() => {
    const chosen = store.clip.value;
    const clips = timeline.shown.value?.clips ?? [];
    return clips.includes(chosen) ? chosen : (clips[0] ?? "");
  }).value;
  const player = useMemo(() => new PlayerState(), []);
  const focusStrips = () =>
    root.current?.querySelector<HTMLElement>(".va-strip-seek")?.focus({ preventScroll: true });
  const perform = useMemo(() => {
    const handlers: Readonly<Record<string, () => void>> = {
      play: () => player.playback?.toggle(),
      back: () => player.playback?.step(-1),
      on: () => player.playback?.step(1),
      slower: () => player.changeRate(-1),
      faster: () => player.changeRate(1),
      loop: () => toggle(player.loop),
      context: () => toggle(player.context),
      mute: () => toggle(muted),
    };
    return (action: Action) => {
      if (action.do === "command") handlers[action.command]?.();
    };
  }, [player]);
  return (
    <Frame
      root={root}
      label="Video timeline"
      keys={state.viewState.value.keys}
      announcement={state.announcement.value}
      focusGrid={focusStrips}
      perform={perform}
      close={() => false}
    >
      {state.error.value && (
        <ErrorMessage
          message={state.error.value}
          dismiss={() => {
            state.error.value = "";
          }}
        />
      )}
      {!shown && (
        <p class="va-nothing">{state.lost.value ? "Kernel lost: run this cell again." : "Looking …"}</p>
      )}
      {shown && clip && <Played store={store} clip={clip} player={player} />}
      {shown && !clip && <p class="va-nothing">This video has no clips with times.</p>}
    </Frame>
  );
}

function Played({ store, clip, player }: { store: ExplorerStore; clip: string; player: PlayerState }) {
  const shown = store.timeline.shown.value;
  const index = shown?.clips.indexOf(clip) ?? -1;
  const loaded = usePreview(store.media, player, clip, () => shown?.clips[index + 1]);
  const preview = loaded.preview.value;
  if (!shown) return null;
  const { keys } = store.state.viewState.value;
  const time = { start: shown.starts[index] ?? null, end: shown.ends[index] ?? null };
  const about = [shown.video, timeRange(time)].filter(Boolean).join(" · ");
  return (
    <div class="va-timeline-app">
      <Screen media={store.media} player={player} clip={clip} {...loaded} />
      <div class="va-controls">
        {preview?.url && <Controls player={player} sound={preview.sound} keys={keys} />}
        <span class="va-about" title={`${about} · ${shortcut("play", keys)} plays`}>
          <ClipName video={shown.video} time={time} />
        </span>
      </div>
      <Strips
        shown={shown}
        clip={clip}
        start={shown.starts[index] ?? null}
        jump={(target) => store.showClip(target)}
      />
    </div>
  );
}
