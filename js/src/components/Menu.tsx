// A button and the menu that it opens over the page: closed by a press outside, its controls reached by the arrow keys.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { moveByArrows, useCloseOutside } from "./popover";

interface Props {
  readonly place: string; // classes of the element around the button and the menu
  readonly button?: string; // classes of the button
  readonly text: ComponentChildren; // on the button
  readonly title?: string | undefined;
  readonly disabled?: boolean;
  readonly label: string; // of the menu, for screen readers
  readonly menu?: string; // more classes of the menu
  readonly isOpen: boolean;
  readonly set: (isOpen: boolean) => void;
  readonly children: ComponentChildren; // of the menu; there only while it is open
}

export function Menu({ button = "va-chip", menu = "", isOpen, set, ...props }: Props) {
  const place = useRef<HTMLSpanElement>(null);
  useCloseOutside(place, isOpen, () => set(false));
  return (
    <span class={`${props.place} va-keeps-focus`} ref={place}>
      <button
        type="button"
        class={button}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        disabled={props.disabled}
        title={props.title}
        onClick={() => set(!isOpen)}
      >
        {props.text}
      </button>
      {isOpen && <Panel {...props} menu={menu} />}
    </span>
  );
}

function Panel({ label, menu, children }: Pick<Props, "label" | "menu" | "children">) {
  const panel = useRef<HTMLDivElement>(null);
  // Not an effect after the paint: a key may come before it.
  useLayoutEffect(
    () => panel.current?.querySelector<HTMLElement>("input, button")?.focus({ preventScroll: true }),
    [],
  );
  return (
    <div class={`va-menu ${menu}`} ref={panel} role="dialog" aria-label={label} onKeyDown={moveByArrows}>
      {children}
    </div>
  );
}
