// What the keys do in the explorer, which has some of the annotator's.

import type { ExplorerStore } from "../../explorer/store";
import type { ExplorerView } from "../../explorer/view";
import type { Command } from "../../input/keys";
import { muted } from "../player/sound";
import { toggle } from "../toggle";

export const EXPLORER_COMMANDS: readonly Command[] = [
  "next",
  "pick",
  "play",
  "back",
  "on",
  "slower",
  "faster",
  "loop",
  "context",
  "mute",
  "search",
  "help",
];

export function explorerCommands(
  store: ExplorerStore,
  view: ExplorerView,
  focusQuery: () => void,
): Readonly<Partial<Record<Command, () => void>>> {
  return {
    next: () => void store.hits.list.next(),
    pick: () => view.cards.toggle(view.cards.focus.value),
    play: () => view.play(),
    back: () => view.player.playback?.step(-1),
    on: () => view.player.playback?.step(1),
    slower: () => view.player.changeRate(-1),
    faster: () => view.player.changeRate(1),
    loop: () => toggle(view.player.loop),
    context: () => toggle(view.player.context),
    mute: () => toggle(muted),
    search: focusQuery,
    help: () => view.toggle("help"),
  };
}
