import { beforeEach, expect, it } from "vitest";
import { muted, play, toggleMuted } from "../../src/components/player/sound";

// A video that plays unless its browser refuses: sound, or everything.
class Video {
  muted = muted.value;
  paused = true;
  asked = 0;
  constructor(private readonly refuses: (video: Video) => DOMException | null) {}
  async play(): Promise<void> {
    this.asked += 1;
    const refusal = this.refuses(this);
    if (refusal) throw refusal;
    this.paused = false;
  }
  pause(): void {
    this.paused = true;
  }
}

const refusal = new DOMException("The person has pressed nothing.", "NotAllowedError");

beforeEach(() => {
  muted.value = false;
});

it("a clip plays with sound where it may", async () => {
  const video = new Video(() => null);
  await play(video);
  expect(video).toMatchObject({ paused: false, muted: false, asked: 1 });
  expect(muted.value).toBe(false);
});

it("a clip plays muted where only sound is refused, and the page knows", async () => {
  const video = new Video(({ muted: silent }) => (silent ? null : refusal));
  await play(video);
  expect(video).toMatchObject({ paused: false, muted: true, asked: 2 });
  expect(muted.value).toBe(true);
  toggleMuted();
  expect(muted.value).toBe(false);
});

it("a clip rests where the browser refuses to play at all", async () => {
  const video = new Video(() => refusal);
  await play(video);
  expect(video).toMatchObject({ paused: true, asked: 2 });
});

it("a clip that is muted already is not asked for twice", async () => {
  toggleMuted();
  const video = new Video(() => refusal);
  await play(video);
  expect(video).toMatchObject({ paused: true, asked: 1 });
});

it("what is no refusal mutes nothing", async () => {
  const video = new Video(() => new DOMException("Another clip was opened.", "AbortError"));
  await play(video);
  expect(video).toMatchObject({ paused: true, muted: false, asked: 1 });
  expect(muted.value).toBe(false);
});
