// The explorer's player: shows the focused clip beside its card, and the scores over its video below it.

import { useEffect, useRef } from "preact/hooks";
import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView } from "../../explorer/view";
import { timeRange } from "../../lists/time";
import { MotionMark } from "../MotionMark";
import { CloseButton } from "../player/CloseButton";
import { Controls } from "../player/Controls";
import { Screen, useBesideCard, usePreview } from "../player/Screen";
import { Strips } from "../timeline/Strips";
import { ClipName } from "../VideoName";

interface Props {
  readonly store: ExplorerStore;
  readonly view: ExplorerView;
  readonly clip: string;
}

export function HitPlayer({ store, view, clip }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  const { player } = view;
  const { keys, size, query } = store.state.viewState.value;
  const index = view.cards.focus.value;
  const loaded = usePreview(store.media, player, clip, () => store.hits.clips.value[index + 1]);
  useBesideCard(panel, index, `${view.clip.value} ${view.cards.columns.value} ${size}`);
  const hit = store.hits.hit(clip);
  const video = hit?.video ?? store.timeline.shown.value?.video ?? "";
  useEffect(() => {
    if (video) void store.timeline.load(clip, video);
  }, [store, clip, video, query]);

  const timeline = store.timeline.shown.value;
  const shown = timeline?.video === video && timeline.clips.length > 0 ? timeline : null;
  const place = shown?.clips.indexOf(clip) ?? -1;
  const start = hit?.start ?? shown?.starts[place] ?? null;
  const end = hit?.end ?? shown?.ends[place] ?? null;
  const about = [video, timeRange({ start, end })].filter(Boolean).join(" · ");
  const motion = hit?.motion ?? null;
  const preview = loaded.preview.value;
  return (
    <div class="va-loupe" ref={panel} role="group" aria-label="Player">
      <Screen media={store.media} player={player} clip={clip} {...loaded} />
      {shown && shown.tracks.length > 0 && (
        <Strips
          shown={shown}
          clip={clip}
          start={start}
          jump={(target) => {
            const among = store.hits.clips.value.indexOf(target);
            if (among >= 0) view.cards.focusCard(among);
            view.elsewhere.value = among >= 0 ? "" : target;
          }}
        />
      )}
      <div class="va-controls">
        {preview?.url && <Controls player={player} sound={preview.sound} keys={keys} />}
        <span class="va-about" title={[about, motion?.words].filter(Boolean).join(" · ")}>
          <ClipName video={video} time={{ start, end }} />
          {motion && <MotionMark motion={motion} full />}
        </span>
        <CloseButton player={player} />
      </div>
    </div>
  );
}
