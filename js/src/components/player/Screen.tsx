// A clip's video, or its filmstrip where there is none or it is loading, and where on the page the player is.

import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import type { PlayerState } from "../../annotator/playerState";
import type { Media, Preview } from "../../kernel/media";
import { AnimatedFilmstrip } from "./AnimatedFilmstrip";
import { besideCard, playerTop } from "./place";
import { Video } from "./Video";

const CONTEXT = 2; // s before and after the clip

interface Loaded {
  readonly preview: Signal<Preview | null>;
  readonly error: Signal<string>;
}

// Loads the preview of a clip, and then that of the next one.
export function usePreview(
  media: Media,
  player: PlayerState,
  clip: string,
  next: () => string | undefined,
): Loaded {
  const preview = useSignal<Preview | null>(null);
  const error = useSignal("");
  const context = player.context.value ? CONTEXT : 0;
  // Which clip comes next is asked once this one is loaded.
  useEffect(() => {
    let discarded = false;
    preview.value = null;
    error.value = "";
    media.preview(clip, context).then(
      (loaded) => {
        if (discarded) return;
        preview.value = loaded;
        const following = next();
        if (following) void media.preview(following, context).catch(() => undefined);
      },
      (failure: Error) => {
        if (!discarded) error.value = failure.message;
      },
    );
    return () => {
      discarded = true;
    };
  }, [clip, context, media, preview, error]);
  return { preview, error };
}

interface ScreenProps extends Loaded {
  readonly media: Media;
  readonly player: PlayerState;
  readonly clip: string;
  readonly children?: ComponentChildren; // what lies over the picture
}

export function Screen({ media, player, clip, preview, error, children }: ScreenProps) {
  const filmstrip = media.filmstrip(clip).value;
  const loaded = preview.value;
  return (
    <div class="va-screen">
      {loaded?.url ? (
        <Video key={loaded.url} player={player} preview={loaded} />
      ) : (
        <AnimatedFilmstrip
          filmstrip={filmstrip}
          reason={error.value || loaded?.reason || ""}
          rate={player.rate.value}
        />
      )}
      {children}
    </div>
  );
}

// Puts the player beside the card of the stage with an index. `layout` changes when the card may have got another place.
export function useBesideCard(panel: RefObject<HTMLElement>, index: number, layout: string): void {
  useLayoutEffect(() => {
    const element = panel.current;
    const stage = element?.closest<HTMLElement>(".va-stage");
    const findCard = () => stage?.querySelector(`[data-index="${index}"]`);
    if (!element || !stage) return;
    const place = () => {
      const card = findCard();
      if (!card) return;
      let [cardBox, stageBox] = [card.getBoundingClientRect(), stage.getBoundingClientRect()];
      const { left, width } = besideCard(cardBox.left - stageBox.left, cardBox.width, stageBox.width);
      element.style.left = `${left}px`;
      element.style.width = `${width}px`;
      const { offsetHeight } = element; // with this width
      stage.style.minHeight = `${offsetHeight}px`; // one row of cards is lower; notebooks cut what sticks out
      [cardBox, stageBox] = [card.getBoundingClientRect(), stage.getBoundingClientRect()];
      const box = { top: cardBox.top - stageBox.top, height: cardBox.height };
      const covers = left < cardBox.right - stageBox.left && left + width > cardBox.left - stageBox.left;
      element.style.top = `${playerTop(box, offsetHeight, stageBox.height, covers)}px`;
    };
    place();
    for (const seen of [element, findCard()]) seen?.scrollIntoView({ block: "nearest" });
    // The page may get another width, and the clip that is loaded another height.
    const observer = new ResizeObserver(place);
    for (const resized of [element, stage]) observer.observe(resized);
    return () => {
      observer.disconnect();
      stage.style.minHeight = "";
    };
  }, [panel, index, layout]);
}
