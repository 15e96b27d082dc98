// The note and the tags of the focused clip, over its card: opened by a key, and saved however it is closed.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Store } from "../annotator/store";
import type { View } from "../annotator/view";
import { type Command, shortcut } from "../input/keys";
import { TOO_MANY_TAGS, withTag } from "../state/remarks";
import { Key } from "./Key";
import { useCloseOutside } from "./popover";

const WIDTH = 300; // px
const LONGEST_NOTE = 1000; // characters, as in va_widgets/labels/clip_remarks.py
const LONGEST_TAG = 40;
const SHOWN_TAGS = 12;

interface Props {
  readonly store: Store;
  readonly view: View;
  readonly clip: string;
  readonly grid: RefObject<HTMLDivElement>;
  readonly focusGrid: () => void;
}

export function RemarkBox({ store, view, clip, grid, focusGrid }: Props) {
  const { remarks } = store.lists;
  const box = useRef<HTMLFormElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const former = remarks.written(clip);
  const tags = useSignal(former.tags);
  const note = useSignal(former.note);
  const full = useSignal(false); // a tag was not taken, because there are as many as there can be
  const list = useId();
  const { keys } = store.state.viewState.value;
  const place = useSignal({ left: 0, bottom: 0 });
  useLayoutEffect(() => {
    // At the card's lower edge, but within the stage.
    const stage = grid.current?.parentElement?.getBoundingClientRect();
    const card = grid.current
      ?.querySelector(`[data-index="${view.cards.focus.value}"]`)
      ?.getBoundingClientRect();
    if (stage && card) {
      const left = Math.max(0, Math.min(card.left - stage.left, stage.width - WIDTH - 2));
      const height = box.current?.offsetHeight ?? 0;
      const bottom = Math.max(0, Math.min(stage.bottom - card.bottom, stage.height - height));
      place.value = { left, bottom };
    }
    input.current?.focus({ preventScroll: true });
  }, [grid, place, view]);
  const close = () => {
    view.remarkOpen.value = false;
  };
  useCloseOutside(box, true, close);
  const concept = useRef(store.state.concept);
  const tagInput = useRef<HTMLInputElement>(null);
  const save = useRef(() => {});
  save.current = () => {
    const typed = tagInput.current?.value.trim() ?? ""; // it may still be typed
    if (!add(typed)) note.value = [note.value.trim(), typed].filter(Boolean).join(" · ");
    remarks.remark(clip, note.value.trim(), tags.value, concept.current);
  };
  useEffect(() => () => save.current(), []); // nothing that was typed is lost, whatever closes it
  const add = (tag: string): boolean => {
    const added = tag ? withTag(tags.value, tag) : tags.value;
    full.value = !added;
    if (added) tags.value = added;
    return added !== undefined;
  };
  const offered = [...new Set([...remarks.tags.value.slice(0, SHOWN_TAGS), ...tags.value])];
  return (
    <form
      ref={box}
      class="va-remark-box va-keeps-focus"
      role="dialog"
      aria-label="Note and tags"
      style={{ left: `${place.value.left}px`, bottom: `${place.value.bottom}px`, width: `${WIDTH}px` }}
      onSubmit={(event) => {
        event.preventDefault();
        close();
        focusGrid();
      }}
    >
      <div class="va-tags" role="group" aria-label="Tags">
        {offered.map((tag) => {
          const command = `tag_${remarks.tags.value.indexOf(tag) + 1}`;
          const key = command in COMMAND_KEYS ? shortcut(command as Command, keys) : "";
          return (
            <button
              type="button"
              key={tag}
              class="va-chip"
              aria-pressed={tags.value.includes(tag)}
              title={key ? `${tag} (on a card: ${key})` : tag}
              onClick={() => {
                if (!tags.value.includes(tag)) return void add(tag);
                tags.value = tags.value.filter((other) => other !== tag);
                full.value = false;
              }}
            >
              <span class="va-entry-name">{tag}</span>
              {key && <Key name={key} />}
            </button>
          );
        })}
        <input
          ref={tagInput}
          type="text"
          class="va-input"
          list={list}
          maxLength={LONGEST_TAG}
          placeholder={offered.length > 0 ? "another tag" : "a tag, such as: reflection"}
          aria-label="Another tag"
          onKeyDown={(event) => {
            const tag = event.currentTarget.value.trim();
            if (event.key !== "Enter" || !tag) return;
            event.preventDefault(); // the next Enter saves
            if (add(tag)) event.currentTarget.value = "";
          }}
          onBlur={(event) => {
            if (add(event.currentTarget.value.trim())) event.currentTarget.value = "";
          }}
        />
        <datalist id={list}>
          {remarks.tags.value.map((tag) => (
            <option key={tag} value={tag} />
          ))}
        </datalist>
      </div>
      {full.value && (
        <p class="va-too-long" role="alert">
          {TOO_MANY_TAGS}
        </p>
      )}
      <span class="va-remark-note">
        <input
          ref={input}
          type="text"
          class="va-input"
          maxLength={LONGEST_NOTE}
          placeholder="a note: why, or what is dubious"
          aria-label="Note"
          value={note.value}
          onInput={(event) => {
            note.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="va-chip va-primary">
          Keep <Key name="⏎" />
        </button>
      </span>
    </form>
  );
}

const COMMAND_KEYS = { tag_1: 0, tag_2: 0, tag_3: 0, tag_4: 0, tag_5: 0 };
