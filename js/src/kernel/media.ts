// Filmstrips and previews as blob URLs: requested in batches, cached, the least recently used revoked first.

import { type Signal, signal } from "@preact/signals";
import type { Client } from "./client";

export interface Filmstrip {
  readonly url: string; // "" while it is loading, or if there is none
  readonly frames: number;
  readonly width: number; // px of one frame
  readonly height: number;
  readonly reason: string; // why there is none
}

export interface Preview {
  readonly url: string; // "" if there is no video
  readonly start: number; // where the clip begins and ends in the video, seconds
  readonly end: number;
  readonly sound: boolean;
  readonly reason: string; // why there is no video
}

const BATCH_DELAY = 15; // ms
const NARROW = { width: 240, batch: 24, most: 400 }; // as the corpus has them
const WIDE = { width: 640, batch: 1, most: 60 }; // made by the kernel when a large card is shown, each in some 0.1 s
const MOST_PREVIEWS = 12;
const LOADING: Filmstrip = { url: "", frames: 1, width: 16, height: 9, reason: "" };

type Schedule = (work: () => void) => void;

export class Media {
  readonly #narrow: Filmstrips;
  readonly #wide: Filmstrips;
  readonly #previews = new Map<string, Promise<Preview>>();

  constructor(
    private readonly client: Client,
    schedule: Schedule = (work) => setTimeout(work, BATCH_DELAY),
  ) {
    this.#narrow = new Filmstrips(client, schedule, NARROW);
    this.#wide = new Filmstrips(client, schedule, WIDE);
  }

  filmstrip(clip: string): Signal<Filmstrip> {
    return this.#narrow.get(clip);
  }

  // For a large card. It is slower to come, so the card shows the other one meanwhile.
  wideFilmstrip(clip: string): Signal<Filmstrip> {
    return this.#wide.get(clip);
  }

  // The video of a clip with `context` seconds before and after it.
  preview(clip: string, context: number): Promise<Preview> {
    const key = `${context} ${clip}`;
    const preview = this.#previews.get(key) ?? this.#requestPreview(clip, context);
    this.#previews.delete(key); // inserted again: a Map's order is the order of use
    this.#previews.set(key, preview);
    preview.catch(() => this.#previews.delete(key)); // a failed request may succeed next time
    for (const [oldestKey, oldest] of this.#previews) {
      if (this.#previews.size <= MOST_PREVIEWS) break;
      this.#previews.delete(oldestKey);
      void revoke(oldest);
    }
    return preview;
  }

  async #requestPreview(clip: string, context: number): Promise<Preview> {
    const { result, buffers } = await this.client.request("preview", { clip, context });
    const { start, end, sound, reason } = result;
    const data = buffers[0];
    const url = result.available && data ? URL.createObjectURL(new Blob([data], { type: result.mime })) : "";
    return { url, start, end, sound, reason };
  }

  close(): void {
    this.#narrow.close();
    this.#wide.close();
    for (const preview of this.#previews.values()) void revoke(preview);
    this.#previews.clear();
  }

  // Requests the queued filmstrips now instead of after the delay.
  requestQueued(): void {
    this.#narrow.requestQueued();
  }
}

// The filmstrips of one width.
class Filmstrips {
  readonly #filmstrips = new Map<string, Signal<Filmstrip>>();
  #queue: string[] = []; // clips whose filmstrips are to be requested

  constructor(
    private readonly client: Client,
    private readonly schedule: Schedule,
    private readonly size: { readonly width: number; readonly batch: number; readonly most: number },
  ) {}

  get(clip: string): Signal<Filmstrip> {
    const cached = this.#filmstrips.get(clip);
    if (cached) {
      this.#filmstrips.delete(clip); // inserted again below: a Map's order is the order of use
      this.#filmstrips.set(clip, cached);
      return cached;
    }
    const filmstrip = signal(LOADING);
    this.#filmstrips.set(clip, filmstrip);
    if (this.#queue.length === 0) this.schedule(() => this.requestQueued());
    this.#queue.push(clip);
    return filmstrip;
  }

  close(): void {
    for (const { value } of this.#filmstrips.values()) if (value.url) URL.revokeObjectURL(value.url);
    this.#filmstrips.clear();
  }

  requestQueued(): void {
    const clips = this.#queue;
    this.#queue = [];
    const { batch, most } = this.size;
    for (let start = 0; start < clips.length; start += batch)
      void this.#requestBatch(clips.slice(start, start + batch));
    for (const [oldest, filmstrip] of this.#filmstrips) {
      if (this.#filmstrips.size <= most) break;
      this.#filmstrips.delete(oldest);
      if (filmstrip.value.url) URL.revokeObjectURL(filmstrip.value.url);
    }
  }

  async #requestBatch(clips: string[]): Promise<void> {
    try {
      const { result, buffers } = await this.client.request("filmstrips", { clips, width: this.size.width });
      for (const strip of result.strips) {
        const filmstrip = this.#filmstrips.get(strip.clip);
        if (!filmstrip) continue; // dropped from the cache meanwhile
        const data = strip.buffer === null ? undefined : buffers[strip.buffer];
        const url = data ? URL.createObjectURL(new Blob([data], { type: strip.mime })) : "";
        const { frames, width, height, reason } = strip;
        filmstrip.value = data ? { url, frames, width, height, reason } : { ...LOADING, reason };
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      for (const clip of clips) {
        const filmstrip = this.#filmstrips.get(clip);
        if (filmstrip) filmstrip.value = { ...LOADING, reason };
      }
    }
  }
}

async function revoke(preview: Promise<Preview>): Promise<void> {
  const loaded = await preview.catch(() => null);
  if (loaded?.url) URL.revokeObjectURL(loaded.url);
}
