// Pictures and videos: asked for in batches, kept as blob URLs, the least recently used given back.

import { type Signal, signal } from "@preact/signals";
import type { Client } from "./client";

export interface Film {
  readonly url: string; // "" while it is loading or if there is none
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly reason: string; // why there is none
}

export interface Clip {
  readonly url: string; // "" if there is no video
  readonly start: number; // where in it the clip itself begins and ends, seconds
  readonly end: number;
  readonly sound: boolean;
  readonly reason: string;
}

const BATCH = 24;
const KEPT_FILMS = 400;
const KEPT_CLIPS = 12;
const LOADING: Film = { url: "", frames: 1, width: 16, height: 9, reason: "" };

export class Media {
  private readonly films = new Map<string, Signal<Film>>();
  private readonly clips = new Map<string, Promise<Clip>>();
  private wanted: string[] = [];

  constructor(
    private readonly client: Client,
    private readonly later: (work: () => void) => void = (work) => setTimeout(work, 15),
  ) {}

  film(clip: string): Signal<Film> {
    const known = this.films.get(clip);
    if (known) {
      this.films.delete(clip); // and in again, as the most recently used
      this.films.set(clip, known);
      return known;
    }
    const film = signal(LOADING);
    this.films.set(clip, film);
    if (this.wanted.length === 0) this.later(() => this.ask());
    this.wanted.push(clip);
    return film;
  }

  // A clip's video with some seconds around it; asked for once as long as it is kept.
  clip(clip: string, context: number): Promise<Clip> {
    const name = `${context} ${clip}`;
    const known = this.clips.get(name);
    const found = known ?? this.cut(clip, context);
    this.clips.delete(name); // and in again, as the most recently used
    this.clips.set(name, found);
    // What failed may work the next time it is asked for.
    found.catch(() => this.clips.delete(name));
    for (const [oldest, old] of this.clips) {
      if (this.clips.size <= KEPT_CLIPS) break;
      this.clips.delete(oldest);
      void give(old);
    }
    return found;
  }

  private async cut(clip: string, context: number): Promise<Clip> {
    const { result, buffers } = await this.client.request("preview", { clip, context });
    const { start, end, sound, reason } = result;
    const data = buffers[0];
    const url = result.available && data ? URL.createObjectURL(new Blob([data], { type: result.mime })) : "";
    return { url, start, end, sound, reason };
  }

  close(): void {
    for (const film of this.films.values()) if (film.value.url) URL.revokeObjectURL(film.value.url);
    for (const clip of this.clips.values()) void give(clip);
    this.films.clear();
    this.clips.clear();
  }

  // Asks for what is wanted by now without waiting for more.
  ask(): void {
    const wanted = this.wanted;
    this.wanted = [];
    for (let start = 0; start < wanted.length; start += BATCH)
      void this.batch(wanted.slice(start, start + BATCH));
    for (const [oldest, film] of this.films) {
      if (this.films.size <= KEPT_FILMS) break;
      this.films.delete(oldest);
      if (film.value.url) URL.revokeObjectURL(film.value.url);
    }
  }

  private async batch(clips: string[]): Promise<void> {
    try {
      const { result, buffers } = await this.client.request("filmstrips", { clips });
      for (const strip of result.strips) {
        const film = this.films.get(strip.clip);
        if (!film) continue; // given back meanwhile
        const data = strip.buffer === null ? undefined : buffers[strip.buffer];
        const url = data ? URL.createObjectURL(new Blob([data], { type: strip.mime })) : "";
        const { frames, width, height, reason } = strip;
        film.value = data ? { url, frames, width, height, reason } : { ...LOADING, reason };
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      for (const clip of clips) {
        const film = this.films.get(clip);
        if (film) film.value = { ...LOADING, reason };
      }
    }
  }
}

async function give(clip: Promise<Clip>): Promise<void> {
  const found = await clip.catch(() => null);
  if (found?.url) URL.revokeObjectURL(found.url);
}
