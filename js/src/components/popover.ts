// What opens over the page, from a button: closed by a press outside, its controls reached by the arrow keys.

import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

// Closes on a press outside of `place`, which holds the button and what it opens.
export function useCloseOutside(place: RefObject<HTMLElement>, isOpen: boolean, close: () => void): void {
  const latest = useRef(close);
  latest.current = close;
  // Not an effect after the paint: a press may come before it.
  useLayoutEffect(() => {
    if (!isOpen) return undefined;
    const onPress = (event: PointerEvent) => {
      // Not `event.target`: outside of a shadow root that is its host.
      if (place.current && !event.composedPath().includes(place.current)) latest.current();
    };
    window.addEventListener("pointerdown", onPress, true);
    return () => window.removeEventListener("pointerdown", onPress, true);
  }, [isOpen, place]);
}

// Arrow up and down, Home and End move the focus through the controls of a menu. Keys that are commands on the cards do
// nothing here; Escape and Tab are left to others.
export function moveByArrows(event: KeyboardEvent): void {
  if (event.key === "Escape" || event.key === "Tab" || event.ctrlKey || event.metaKey || event.altKey) return;
  event.stopPropagation();
  const menu = event.currentTarget as HTMLElement;
  const controls = [...menu.querySelectorAll<HTMLElement>("input, button:not(:disabled)")];
  const now = controls.indexOf(event.target as HTMLElement);
  const inBox = (event.target as Element).matches("input");
  const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: controls.length - 1 }[event.key];
  if (next === undefined || (inBox && (event.key === "Home" || event.key === "End"))) return;
  event.preventDefault();
  controls[Math.max(0, Math.min(controls.length - 1, next))]?.focus();
}
