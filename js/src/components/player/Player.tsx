// The player: shows the focused clip over the grid. It follows the focus, so that a page can be watched and labelled
// without closing it.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import type { Preview } from "../../kernel/media";
import { VALUES } from "../../kernel/protocol";
import { timeRange } from "../../lists/time";
import { Icon, Mark } from "../icons";
import { LabelButton } from "../LabelButton";
import { MotionMark } from "../MotionMark";
import { AnimatedFilmstrip } from "./AnimatedFilmstrip";
import { Controls } from "./Controls";
import { besideCard, playerTop } from "./place";
import { Video } from "./Video";

const CONTEXT = 2; // s before and after the clip

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly clip: string;
}

export function Player({ store, view, clip }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  const loaded = useSignal<Preview | null>(null);
  const error = useSignal("");
  const { player } = view;
  const { keys } = store.state.viewState.value;
  const context = player.context.value ? CONTEXT : 0;
  const label = store.labels.get(clip) ?? null;
  const filmstrip = store.media.filmstrip(clip).value;
  const index = view.cards.focus.value;
  const columns = view.cards.columns.value; // another number of them makes new cards

  useEffect(() => {
    let discarded = false;
    loaded.value = null;
    error.value = "";
    store.media.preview(clip, context).then(
      (preview) => {
        if (discarded) return;
        loaded.value = preview;
        // Requests the next clip's preview ahead of time.
        const next = store.lists.clips.value[index + 1];
        if (next) void store.media.preview(next, context).catch(() => undefined);
      },
      (failure: Error) => {
        if (!discarded) error.value = failure.message;
      },
    );
    return () => {
      discarded = true;
    };
  }, [clip, context, store, loaded, error, index]);

  useLayoutEffect(() => {
    const element = panel.current;
    const stage = element?.closest(".va-stage");
    const findCard = () => stage?.querySelector(`[data-index="${index}"]`);
    if (!element || !stage) return;
    const place = () => {
      const card = findCard();
      if (!card) return;
      const [cardBox, stageBox] = [card.getBoundingClientRect(), stage.getBoundingClientRect()];
      const { left, width } = besideCard(cardBox.left - stageBox.left, cardBox.width, stageBox.width);
      element.style.left = `${left}px`;
      element.style.width = `${width}px`;
      const { offsetHeight } = element; // with this width
      const box = { top: cardBox.top - stageBox.top, height: cardBox.height };
      const covers = left < cardBox.right - stageBox.left && left + width > cardBox.left - stageBox.left;
      element.style.top = `${playerTop(box, offsetHeight, stageBox.height, covers)}px`;
    };
    place();
    for (const seen of [element, findCard()]) seen?.scrollIntoView({ block: "nearest" });
    // The page may get another width, and the clip that is loaded another height.
    const observer = new ResizeObserver(place);
    for (const resized of [element, stage]) observer.observe(resized);
    return () => observer.disconnect();
  }, [index, clip, columns, store.state.viewState.value.size]);

  const preview = loaded.value;
  const card = store.lists.card(clip);
  const motion = card?.motion ?? null;
  const about = card && [card.video, timeRange(card)].filter(Boolean).join(" · ");
  return (
    <div class="va-loupe" ref={panel} role="group" aria-label="Player">
      <div class="va-screen">
        {preview?.url ? (
          <Video key={preview.url} player={player} preview={preview} />
        ) : (
          <AnimatedFilmstrip
            filmstrip={filmstrip}
            reason={error.value || preview?.reason || ""}
            rate={player.rate.value}
          />
        )}
        {label && (
          <span class={`va-badge va-is-${label}`}>
            <Mark value={label} /> {label}
          </span>
        )}
      </div>
      <div class="va-controls">
        {preview?.url && <Controls player={player} sound={preview.sound} keys={keys} />}
        <span class="va-about" title={[about, motion?.words].filter(Boolean).join(" · ")}>
          <span>{about}</span>
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
        <button
          type="button"
          class="va-quiet va-small va-close"
          aria-label="Close the player"
          title="Close (Esc)"
          onClick={() => {
            player.open.value = false;
          }}
        >
          <Icon name="close" />
        </button>
      </div>
    </div>
  );
}
