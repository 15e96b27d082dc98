// What each command does, whether it comes from a key or from a game pad.

import type { Command } from "./keys";
import { toggleMuted } from "./sound";
import type { Store } from "./store";
import type { View } from "./view";

export function commandsOf(
  store: Store,
  view: View,
  search: () => void,
): Readonly<Record<Command, () => void>> {
  return {
    yes: () => view.label("yes"),
    no: () => view.label("no"),
    unsure: () => view.label("unsure"),
    clear: () => view.label(null),
    rest: () => view.enter(),
    undo: () => void view.step("undo"),
    redo: () => void view.step("redo"),
    pick: () => view.toggle(view.focus.value),
    play: () => view.play(),
    back: () => view.playback?.step(-1),
    on: () => view.playback?.step(1),
    slower: () => view.faster(-1),
    faster: () => view.faster(1),
    loop: () => {
      view.loop.value = !view.loop.value;
    },
    context: () => {
      view.context.value = !view.context.value;
    },
    mute: toggleMuted,
    suggested: () => void store.openFeed("suggested"),
    top_positive: () => void store.openFeed("top_positive"),
    borderline: () => void store.openFeed("borderline"),
    random: () => void store.openFeed("random"),
    top_negative: () => void store.openFeed("top_negative"),
    alike: () => {
      if (view.clip.value) void store.alike(view.clip.value);
    },
    search: () => {
      void store.tab("search");
      search();
    },
    help: () => {
      view.help.value = !view.help.value;
    },
  };
}
