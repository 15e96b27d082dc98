// The player: shows the focused clip over the grid. It follows the focus, so that a page can be watched and labelled
// without closing it.

import { useRef } from "preact/hooks";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { VALUES } from "../../kernel/protocol";
import { timeRange } from "../../lists/time";
import { Mark } from "../icons";
import { LabelButton } from "../LabelButton";
import { MotionMark } from "../MotionMark";
import { ClipName } from "../VideoName";
import { CloseButton } from "./CloseButton";
import { Controls } from "./Controls";
import { Screen, useBesideCard, usePreview } from "./Screen";

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly clip: string;
}

export function Player({ store, view, clip }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  const { player } = view;
  const { keys, size } = store.state.viewState.value;
  const label = store.labels.get(clip) ?? null;
  const index = view.cards.focus.value;
  const columns = view.cards.columns.value; // another number of them makes new cards
  const loaded = usePreview(store.media, player, clip, () => store.lists.clips.value[index + 1]);
  useBesideCard(panel, index, `${clip} ${columns} ${size}`);

  const preview = loaded.preview.value;
  const card = store.lists.card(clip);
  const motion = card?.motion ?? null;
  const about = card && [card.video, timeRange(card)].filter(Boolean).join(" · ");
  return (
    <div class="va-loupe" ref={panel} role="group" aria-label="Player">
      <Screen media={store.media} player={player} clip={clip} {...loaded}>
        {label && (
          <span class={`va-badge va-is-${label}`}>
            <Mark value={label} /> {label}
          </span>
        )}
      </Screen>
      <div class="va-controls">
        {preview?.url && <Controls player={player} sound={preview.sound} keys={keys} />}
        <span class="va-about" title={[about, motion?.words].filter(Boolean).join(" · ")}>
          {card && <ClipName video={card.video} time={card} />}
          {motion && <MotionMark motion={motion} full />}
        </span>
        <span class="va-loupe-labels">
          {VALUES.map((value) => (
            <LabelButton
              key={value}
              value={value}
              pressed={label === value}
              keys={keys}
              onClick={() => view.pressLabel(index, value)}
            />
          ))}
        </span>
        <CloseButton player={player} />
      </div>
    </div>
  );
}
