// What each command does, for keys and game pads alike.

import type { Store } from "../annotator/store";
import type { View } from "../annotator/view";
import type { Command } from "../input/keys";
import { toggleMuted } from "./player/sound";

export function commandHandlers(
  store: Store,
  view: View,
  focusSearch: () => void,
): Readonly<Record<Command, () => void>> {
  const { navigation } = store;
  return {
    yes: () => view.label("yes"),
    no: () => view.label("no"),
    unsure: () => view.label("unsure"),
    clear: () => view.label(null),
    rest: () => view.labelRest(),
    undo: () => void view.step("undo"),
    redo: () => void view.step("redo"),
    pick: () => view.toggleSelected(view.focus.value),
    play: () => view.play(),
    back: () => view.playback?.step(-1),
    on: () => view.playback?.step(1),
    slower: () => view.changeRate(-1),
    faster: () => view.changeRate(1),
    loop: () => {
      view.loop.value = !view.loop.value;
    },
    context: () => {
      view.context.value = !view.context.value;
    },
    mute: toggleMuted,
    suggested: () => void navigation.openFeed("suggested"),
    top_positive: () => void navigation.openFeed("top_positive"),
    borderline: () => void navigation.openFeed("borderline"),
    random: () => void navigation.openFeed("random"),
    top_negative: () => void navigation.openFeed("top_negative"),
    alike: () => {
      if (view.clip.value) void navigation.openSimilar(view.clip.value);
    },
    search: () => {
      void navigation.openTab("search");
      focusSearch();
    },
    help: () => {
      view.helpOpen.value = !view.helpOpen.value;
    },
  };
}
