// The player's buttons: frame by frame, play, rate, loop, context, sound.

import type { ComponentChildren } from "preact";
import type { Store } from "../../annotator/store";
import type { View } from "../../annotator/view";
import { type Command, shortcut } from "../../input/keys";
import { Icon } from "../icons";
import { muted, toggleMuted } from "./sound";

export function Controls({ store, view, sound }: { store: Store; view: View; sound: boolean }) {
  const { keys } = store.state.viewState.value;
  // Without `onClick` the button is disabled, but can have the focus, so that screen readers read its title.
  const button = (
    sign: ComponentChildren,
    title: string,
    command: Command,
    onClick?: () => void,
    pressed?: boolean,
  ) => (
    <button
      type="button"
      class="va-quiet va-small"
      aria-label={title}
      title={onClick ? `${title} (${shortcut(command, keys)})` : title}
      aria-disabled={onClick ? undefined : true}
      aria-pressed={pressed}
      onClick={onClick}
    >
      {sign}
    </button>
  );
  return (
    <>
      {button("‹", "One frame back", "back", () => view.playback?.step(-1))}
      {button("▷", "Play or pause", "play", () => view.playback?.toggle())}
      {button("›", "One frame on", "on", () => view.playback?.step(1))}
      {button("−", "Slower", "slower", () => view.changeRate(-1))}
      <span class="va-rate" aria-live="polite">
        {view.rate.value} ×
      </span>
      {button("+", "Faster", "faster", () => view.changeRate(1))}
      {button(
        "loop",
        "Loop",
        "loop",
        () => {
          view.loop.value = !view.loop.value;
        },
        view.loop.value,
      )}
      {button(
        "± 2 s",
        "2 s before and after",
        "context",
        () => {
          view.context.value = !view.context.value;
        },
        view.context.value,
      )}
      {sound
        ? button(<Icon name={muted.value ? "muted" : "sound"} />, "Mute", "mute", toggleMuted, muted.value)
        : button(<Icon name="muted" />, "No sound", "mute")}
    </>
  );
}
