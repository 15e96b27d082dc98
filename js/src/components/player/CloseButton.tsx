import type { PlayerState } from "../../annotator/playerState";
import { Icon } from "../icons";

export function CloseButton({ player }: { player: PlayerState }) {
  return (
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
  );
}
