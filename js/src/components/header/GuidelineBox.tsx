// The guideline while it is written: kept by Enter, Escape and whatever else takes the focus away.

import { useLayoutEffect, useRef } from "preact/hooks";

const LONGEST_GUIDELINE = 10_000; // characters

interface Props {
  readonly text: string; // at first
  readonly keep: (typed: string) => void; // once
  readonly focusGrid: () => void;
}

export function GuidelineBox({ text, keep, focusGrid }: Props) {
  const box = useRef<HTMLTextAreaElement>(null);
  const typed = useRef(text);
  const finish = useRef<(() => void) | null>(null);
  useLayoutEffect(() => {
    finish.current = () => keep(typed.current);
    box.current?.focus();
    return () => finish.current?.(); // another window has opened another concept
  }, []);
  const close = () => {
    const once = finish.current;
    finish.current = null;
    once?.();
  };
  return (
    <textarea
      ref={box}
      class="va-guideline"
      rows={2}
      maxLength={LONGEST_GUIDELINE}
      placeholder="What counts, and what does not? Everybody who labels this concept sees it."
      defaultValue={text} // not `value`: each refit would write it over what has been typed
      aria-label="Guideline"
      title="Enter keeps it, Shift + Enter begins a new line"
      onInput={(event) => {
        typed.current = event.currentTarget.value;
      }}
      onBlur={close}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || event.shiftKey) return;
        event.preventDefault();
        focusGrid(); // which closes it
      }}
    />
  );
}
