// The player's buttons: frame by frame, play, rate, loop, context, sound.

import type { ComponentChildren } from "preact";
import type { PlayerState } from "../../annotator/playerState";
import { type Command, type Keys, shortcut } from "../../input/keys";
import { Icon } from "../icons";
import { toggle } from "../toggle";
import { muted } from "./sound";

interface Props {
  readonly player: PlayerState;
  readonly sound: boolean; // whether the video has any
  readonly keys: Keys;
}

export function Controls({ player, sound, keys }: Props) {
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
      {button("‹", "One frame back", "back", () => player.playback?.step(-1))}
      {button(
        <Icon name={player.playing.value ? "pause" : "play"} />,
        player.playing.value ? "Pause" : "Play",
        "play",
        () => player.playback?.toggle(),
      )}
      {button("›", "One frame on", "on", () => player.playback?.step(1))}
      {button("−", "Slower", "slower", () => player.changeRate(-1))}
      <span class="va-rate" aria-live="polite">
        {player.rate.value} ×
      </span>
      {button("+", "Faster", "faster", () => player.changeRate(1))}
      {button("loop", "Loop", "loop", () => toggle(player.loop), player.loop.value)}
      {button("± 2 s", "2 s before and after", "context", () => toggle(player.context), player.context.value)}
      {sound
        ? button(
            <Icon name={muted.value ? "muted" : "sound"} />,
            "Mute",
            "mute",
            () => toggle(muted),
            muted.value,
          )
        : button(<Icon name="muted" />, "No sound", "mute")}
    </>
  );
}
