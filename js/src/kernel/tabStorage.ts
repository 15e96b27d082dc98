// Keeps unsaved changes and where the user is in the browser tab's sessionStorage, so that they survive a reload of the
// page and a restart of the kernel.

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

export interface PlaceStorage {
  save(place: object): void;
  read(): unknown; // what was saved last, unchecked; null if nothing was
}

// Where an annotator is in a concept: the widget of a cell that is run again, or of a kernel that was restarted, knows
// nothing of the one before it.
export function placeStorage(corpus: string, annotator: string, concept: string): PlaceStorage {
  const key = `va-widgets-place:${corpus}:${annotator}:${concept}`;
  return {
    save(place) {
      withStorage((storage) => storage.setItem(key, JSON.stringify(place)));
    },
    read() {
      let place: unknown = null;
      withStorage((storage) => {
        place = parsed(storage.getItem(key) ?? "null");
      });
      return place;
    },
  };
}

function withStorage(use: (storage: Storage) => void): void {
  try {
    use(sessionStorage);
  } catch {
    // Colab and VS Code show the widget in a sandboxed frame, where sessionStorage throws; it also throws when it is
    // full. Unsaved labels are then kept in memory only, and a new widget starts at the usual place.
  }
}

function parseEntries(text: string): Entry[] {
  const entries = parsed(text);
  return Array.isArray(entries) ? entries.filter(isEntry) : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // another program's text under our prefix
  }
}

function isEntry(item: unknown): item is Entry {
  const { id, change } = (item ?? {}) as { id?: unknown; change?: Record<string, unknown> };
  if (typeof id !== "string" || typeof change?.concept !== "string") return false;
  if (change.type === "undo" || change.type === "redo") return true;
  if (change.type === "remark") return typeof change.clip === "string" && Array.isArray(change.tags);
  return change.type === "label" && Array.isArray(change.clips) && typeof change.value === "string";
}
