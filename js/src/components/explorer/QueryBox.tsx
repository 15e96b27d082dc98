// The box for the query, with the names that may stand at the cursor; below it, what is wrong and where.

import { useSignal } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import { aroundFault, isBlankBetween } from "../../explorer/positions";
import type { ExplorerStore } from "../../explorer/store";
import type { Name } from "../../kernel/explorerProtocol";
import { Icon } from "../icons";

const AROUND = 24; // characters that are shown before and after a fault

export function QueryBox({ store, focusGrid }: { store: ExplorerStore; focusGrid: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const active = useSignal(-1); // the completion that the arrow keys have reached
  const id = useId();
  const { draft } = store;
  const { names, start } = draft.completions.value;
  const isOpen = names.length > 0;
  const fault = draft.fault.value;
  // What the names help to write is not called wrong.
  const helps = isOpen && fault?.column != null && isBlankBetween(draft.text.value, fault.column, start);
  const shownFault = helps ? null : fault;

  const type = (completes = true) => {
    const box = input.current;
    if (!box) return;
    active.value = -1;
    draft.type(box.value, box.selectionStart ?? box.value.length, completes);
  };
  const accept = (name: Name) => {
    const cursor = draft.accept(name);
    active.value = -1;
    const box = input.current;
    if (!box) return;
    box.value = draft.text.value;
    box.focus();
    box.setSelectionRange(cursor, cursor);
  };
  const run = async () => {
    draft.closeCompletions();
    if (await store.hits.run({ query: draft.text.value })) focusGrid(); // the hits can be played by keyboard at once
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const chosen = names[active.value];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) type();
      else {
        const next = active.value + (event.key === "ArrowDown" ? 1 : -1);
        active.value = Math.max(-1, Math.min(names.length - 1, next));
      }
    } else if ((event.key === "Enter" || event.key === "Tab") && isOpen && chosen) {
      event.preventDefault();
      event.stopPropagation();
      accept(chosen);
    } else if (event.key === "Escape" && draft.closeCompletions()) {
      event.stopPropagation();
    }
  };

  return (
    <form
      class="va-search va-query"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        class="va-input va-search-input"
        role="combobox"
        aria-label="Query"
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={`${id}-names`}
        aria-activedescendant={active.value >= 0 ? `${id}-${active.value}` : undefined}
        aria-invalid={shownFault !== null}
        aria-describedby={shownFault ? `${id}-fault` : undefined}
        placeholder="every clip; or names and numbers: night_city > 0.7 and not rain"
        maxLength={4000}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        value={draft.text.value}
        onInput={() => type()}
        onFocus={() => {
          if (draft.text.value === "") type();
        }}
        onBlur={() => draft.closeCompletions()}
        onKeyDown={onKeyDown}
      />
      <div class="va-under">
        <div
          id={`${id}-names`}
          class="va-menu va-completions"
          role="listbox"
          aria-label="Names"
          hidden={!isOpen}
        >
          {names.map((name, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the box has the focus and handles the keys
            // biome-ignore lint/a11y/useFocusableInteractive: the box has the focus and names the chosen option
            <div
              key={name.name}
              id={`${id}-${index}`}
              role="option"
              class="va-completion"
              aria-selected={index === active.value}
              title={name.detail}
              ref={(element) => {
                if (index === active.value) element?.scrollIntoView({ block: "nearest" });
              }}
              onPointerDown={(event) => event.preventDefault()} // the box keeps the focus
              onClick={() => accept(name)}
            >
              <b>{name.name}</b>
              <span class="va-completion-detail">{name.detail}</span>
              <span class="va-completion-kind">{name.kind}</span>
            </div>
          ))}
        </div>
        {shownFault && (
          <div id={`${id}-fault`} class="va-menu va-fault" role="status">
            <p>
              {shownFault.message}
              {shownFault.suggestion && (
                <button
                  type="button"
                  class="va-chip va-primary va-keeps-focus"
                  onClick={() => {
                    draft.correct();
                    input.current?.focus();
                  }}
                >
                  write {shownFault.suggestion}
                </button>
              )}
            </p>
            {shownFault.column !== null && <Place text={draft.text.value} column={shownFault.column} />}
          </div>
        )}
      </div>
    </form>
  );
}

function Place({ text, column }: { text: string; column: number }) {
  const { before, wrong, after } = aroundFault(text, column, AROUND);
  return (
    <code>
      {before}
      <mark>{wrong}</mark>
      {after}
    </code>
  );
}
