// What each command does, for keys and game pads alike.

import type { Store } from "../annotator/store";
import type { View } from "../annotator/view";
import type { Command } from "../input/keys";
import { muted } from "./player/sound";
import { toggle } from "./toggle";

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
    next: () => view.leavePage(),
    rest: () => view.labelRest(),
    undo: () => void view.step("undo"),
    redo: () => void view.step("redo"),
    remark: () => view.openRemark(),
    tag_1: () => view.tag(0),
    tag_2: () => view.tag(1),
    tag_3: () => view.tag(2),
    tag_4: () => view.tag(3),
    tag_5: () => view.tag(4),
    guideline: () => store.state.updateViewState({ reads: !store.state.viewState.value.reads }),
    pick: () => view.cards.toggle(view.cards.focus.value),
    play: () => view.play(),
    back: () => view.player.playback?.step(-1),
    on: () => view.player.playback?.step(1),
    slower: () => view.player.changeRate(-1),
    faster: () => view.player.changeRate(1),
    loop: () => toggle(view.player.loop),
    context: () => toggle(view.player.context),
    mute: () => toggle(muted),
    suggested: () => void navigation.openFeed("suggested"),
    top_positive: () => void navigation.openFeed("top_positive"),
    borderline: () => void navigation.openFeed("borderline"),
    random: () => void navigation.openFeed("random"),
    top_negative: () => void navigation.openFeed("top_negative"),
    assigned: () => void navigation.openFeed("assigned"),
    second_reading: () => void navigation.openFeed("second_reading"),
    alike: () => {
      if (view.clip.value) void navigation.openSimilar(view.clip.value);
    },
    return: () => void navigation.leaveSimilar(),
    search: () => {
      void navigation.openTab("search");
      focusSearch();
    },
    help: () => toggle(view.helpOpen),
  };
}
