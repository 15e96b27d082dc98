// Keeps unsaved changes in the browser tab's sessionStorage, so that they survive a reload of the page and a restart of
// the kernel.

import type { Entry, EntryStorage } from "./outbox";

// Each session saves under a key of its own, and takes over what any session of the same corpus and annotator has
// left: the kernel stores a change that is sent twice only once.
export function tabStorage(corpus: string, annotator: string, session: string): EntryStorage {
  const prefix = `va-widgets:${corpus}:${annotator}:`;
  return {
    save(entries) {
      withStorage((storage) => {
        if (entries.length > 0) storage.setItem(prefix + session, JSON.stringify(entries));
        else storage.removeItem(prefix + session);
      });
    },
    takeAll() {
      const taken: Entry[] = [];
      withStorage((storage) => {
        const keys = Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? "");
        for (const key of keys.filter((key) => key.startsWith(prefix))) {
          taken.push(...parseEntries(storage.getItem(key) ?? ""));
          storage.removeItem(key);
        }
      });
      return taken;
    },
  };
}

function withStorage(use: (storage: Storage) => void): void {
  try {
    use(sessionStorage);
  } catch {
    // Colab and VS Code show the widget in a sandboxed frame, where sessionStorage throws; it also throws when it is
    // full. Unsaved labels are then kept in memory only.
  }
}

function parseEntries(text: string): Entry[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter(isEntry) : [];
  } catch {
    return []; // another program's text under our prefix
  }
}

function isEntry(item: unknown): item is Entry {
  const { id, change } = (item ?? {}) as { id?: unknown; change?: Record<string, unknown> };
  if (typeof id !== "string" || typeof change?.concept !== "string") return false;
  if (change.type === "undo" || change.type === "redo") return true;
  return change.type === "label" && Array.isArray(change.clips) && typeof change.value === "string";
}
