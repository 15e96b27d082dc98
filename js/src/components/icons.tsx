// The marks of the labels, which differ in shape as well as in colour, and the icons.

import type { Value } from "../kernel/protocol";

export function Mark({ value }: { value: Value }) {
  return (
    <svg class="va-icon" viewBox="0 0 16 16" aria-hidden="true">
      {value === "yes" && (
        <>
          <circle cx="8" cy="8" r="7" fill="currentColor" />
          <path d="M4.6 8.3l2.3 2.3 4.5-5" fill="none" stroke="var(--va-ink-on-mark)" stroke-width="1.8" />
        </>
      )}
      {value === "no" && (
        <>
          <rect
            x="1.5"
            y="1.5"
            width="13"
            height="13"
            rx="2"
            fill="none"
            stroke="currentColor"
            stroke-width="1.6"
          />
          <path d="M5 5l6 6M11 5l-6 6" stroke="currentColor" stroke-width="1.8" />
        </>
      )}
      {value === "unsure" && (
        <>
          <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6" />
          <path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" fill="currentColor" />
        </>
      )}
    </svg>
  );
}

const PATHS = {
  move: "M2 8h11M9 4l4 4-4 4",
  alike: "M2 3h7v6H2zM7 9v4h7V7H9",
  edit: "M3 13l.6-2.8L10.8 3l2.2 2.2-7.2 7.2zM9.4 4.4l2.2 2.2",
  back: "M10 3L5 8l5 5",
  onward: "M6 3l5 5-5 5",
  more: "M2 7.5h2M2 8.5h2M7 7.5h2M7 8.5h2M12 7.5h2M12 8.5h2",
  close: "M4 4l8 8M12 4l-8 8",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.4 10.4L14 14",
  undo: "M6 3L3 6l3 3M3 6h6a4 4 0 0 1 0 8H6",
  redo: "M10 3l3 3-3 3M13 6H7a4 4 0 0 0 0 8h3",
  down: "M4 6l4 4 4-4",
  play: "M5 3l8 5-8 5z",
  pause: "M5.5 3v10M10.5 3v10",
  sound: "M1 6h2.5L7 3v10l-3.5-3H1zM9.4 5.6a3.4 3.4 0 0 1 0 4.8M11.4 3.6a6.2 6.2 0 0 1 0 8.8",
  muted: "M1 6h2.5L7 3v10l-3.5-3H1zM9.5 5.5l5 5M14.5 5.5l-5 5",
};

// `turn`: degrees clockwise.
export function Icon({ name, turn = 0 }: { name: keyof typeof PATHS; turn?: number }) {
  const style = turn ? { transform: `rotate(${turn}deg)` } : undefined;
  return (
    <svg class="va-icon" viewBox="0 0 16 16" aria-hidden="true" style={style}>
      <path d={PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" />
    </svg>
  );
}
