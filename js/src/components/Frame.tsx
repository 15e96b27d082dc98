// What an annotator and an explorer have in common: the element around everything, keys, focus, and what is spoken.

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { keepFocus } from "../input/focus";
import { watchGamepad } from "../input/gamepad";
import { guardKeys } from "../input/keyGuard";
import { type Action, actionOf, isComposing, isHostKey, type Keys, repeats } from "../input/keys";
import { Icon } from "./icons";

interface Props {
  readonly root: RefObject<HTMLDivElement>;
  readonly label: string; // what this is, for screen readers
  readonly keys: Keys;
  readonly announcement: string;
  readonly focusGrid: () => void;
  readonly perform: (action: Action) => void;
  readonly close: () => boolean; // closes what is open; false if nothing is
  readonly turnedAt?: () => number; // when a page turned by itself last
  readonly children: ComponentChildren;
}

export function Frame(props: Props) {
  const { root, focusGrid, perform, close } = props;
  const pressedAt = useRef(0); // when a key was pressed last, without the repetitions of one that is held down

  // Whatever is pressed with the pointer gives the focus back to the grid, so that keys act on the cards, and Enter or
  // Space do not press it again; except boxes to type into, and what says that it keeps the focus. Runs before the
  // handlers of the element, which may remove it or stop the event.
  const onClick = (event: MouseEvent) => {
    const target = event.target as Element;
    const keeps = ".va-keeps-focus, .va-menu, select, textarea, input:not([type=range])";
    if (event.detail > 0 && !target.closest(keeps)) focusGrid();
  };

  useEffect(() => {
    const hasFocus = () => {
      const page = root.current?.getRootNode() as Document | ShadowRoot;
      return root.current?.contains(page.activeElement) ?? false;
    };
    return watchGamepad(window, hasFocus, perform);
  }, [root, perform]);
  useEffect(() => (root.current ? guardKeys(window, root.current) : undefined), [root]);
  // `focusGrid` finds the grid when it is called, so that the first one will do.
  useEffect(() => (root.current ? keepFocus(root.current, focusGrid) : undefined), [root]);

  // A key that composes a word belongs to the input method alone: Enter takes the word over and Escape drops it.
  const onKeyDownCapture = (event: KeyboardEvent) => {
    if (isTyping(event.target as Element) && isComposing(event)) event.stopPropagation();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as Element;
    if (isTyping(target)) {
      if (event.key === "Escape") {
        focusGrid();
        close();
      }
      if (!isHostKey(event)) event.stopPropagation();
      return;
    }
    if (isHostKey(event)) return;
    const action = actionOf(event, props.keys);
    if (action?.do === "move" && target.matches("input")) {
      event.stopPropagation(); // moves the slider
      return;
    }
    if (action?.do === "escape") {
      const closed = close();
      if (closed) focusGrid();
      else if (root.current) focusOutside(root.current); // the notebook then handles the key
      if (!closed) return;
    }
    event.stopPropagation();
    const onButton = target.closest("button, a, summary") !== null;
    if (onButton && (event.key === "Enter" || event.key === " ")) return; // presses the button
    if (!action) return;
    event.preventDefault();
    if (!event.repeat) pressedAt.current = event.timeStamp;
    const isOfFormerPage = event.repeat && pressedAt.current <= (props.turnedAt?.() ?? 0);
    if (!isOfFormerPage && (!event.repeat || repeats(action))) perform(action);
  };

  return (
    <div
      ref={root}
      class="va-app"
      role="group"
      aria-label={props.label}
      onKeyDown={onKeyDown}
      onKeyDownCapture={onKeyDownCapture}
      onClickCapture={onClick}
    >
      {props.children}
      <p class="va-spoken" role="status" aria-live="polite">
        {props.announcement}
      </p>
    </div>
  );
}

export function ErrorMessage({ message, dismiss }: { message: string; dismiss: () => void }) {
  return (
    <p class="va-error" role="alert">
      <span>{message}</span>
      <button type="button" class="va-quiet va-small" aria-label="Dismiss" onClick={dismiss}>
        <Icon name="close" />
      </button>
    </p>
  );
}

function isTyping(element: Element): boolean {
  return element.matches("input:not([type=range]), textarea, select");
}

// Focuses the nearest focusable element around the widget: the notebook's cell. If there is none, removes the focus.
function focusOutside(widget: HTMLElement): void {
  let ancestor: Node | null = widget.parentNode;
  while (ancestor) {
    if (ancestor instanceof HTMLElement && ancestor.tabIndex >= 0) {
      ancestor.focus({ preventScroll: true });
      return;
    }
    ancestor = ancestor instanceof ShadowRoot ? ancestor.host : ancestor.parentNode;
  }
  const page = widget.getRootNode() as Document | ShadowRoot;
  if (page.activeElement instanceof HTMLElement) page.activeElement.blur();
}
