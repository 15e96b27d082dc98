// The button that gives a clip a label, on cards and in the player.

import { type Keys, shortcut } from "../input/keys";
import type { Value } from "../kernel/protocol";
import { Mark } from "./icons";

const TITLES: Readonly<Record<Value, string>> = { yes: "Yes", no: "No", unsure: "Unsure" };

interface Props {
  readonly value: Value;
  readonly pressed: boolean;
  readonly keys: Keys;
  readonly tabIndex?: number;
  readonly onClick: (event: MouseEvent) => void;
}

export function LabelButton({ value, pressed, keys, onClick, ...rest }: Props) {
  const title = TITLES[value];
  return (
    <button
      type="button"
      class={`va-label va-is-${value}`}
      data-value={value}
      aria-label={title}
      title={`${title} (${shortcut(value, keys)})`}
      aria-pressed={pressed}
      {...rest}
      onClick={(event) => {
        // The second click of a double click would take the label back.
        if (event.detail > 1) event.stopPropagation();
        else onClick(event);
      }}
    >
      <Mark value={value} />
    </button>
  );
}
