import { beforeEach, expect, it } from "vitest";
import { muted, play } from "../../src/components/player/sound";
import { toggle } from "../../src/components/toggle";

// A video that plays unless its browser refuses: sound, or everything.
class Video {
  muted = muted.value;
  paused = true;
  attempts = 0;
  constructor(private readonly refuses: (video: Video) => DOMException | null) {}
  async play(): Promise<void> {
    this.attempts += 1;
    const refusal = this.refuses(this);
    if (refusal) throw refusal;
    this.paused = false;
  }
  pause(): void {
    this.paused = true;
  }
}

const refusal = new DOMException("The user has pressed nothing.", "NotAllowedError");

beforeEach(() => {
  muted.value = false;
});

it("a video plays with sound if the browser allows it", async () => {
  const video = new Video(() => null);
  await play(video);
  expect(video).toMatchObject({ paused: false, muted: false, attempts: 1 });
  expect(muted.value).toBe(false);
});

it("a video plays muted if the browser refuses only sound, and the setting says so", async () => {
  const video = new Video(({ muted: silent }) => (silent ? null : refusal));
  await play(video);
  expect(video).toMatchObject({ paused: false, muted: true, attempts: 2 });
  expect(muted.value).toBe(true);
  toggle(muted);
  expect(muted.value).toBe(false);
});

it("a video is paused if the browser refuses to play at all", async () => {
  const video = new Video(() => refusal);
  await play(video);
  expect(video).toMatchObject({ paused: true, attempts: 2 });
});

it("a muted video is tried only once", async () => {
  toggle(muted);
  const video = new Video(() => refusal);
  await play(video);
  expect(video).toMatchObject({ paused: true, attempts: 1 });
});

it("another error mutes nothing", async () => {
  const video = new Video(() => new DOMException("Another clip was opened.", "AbortError"));
  await play(video);
  expect(video).toMatchObject({ paused: true, muted: false, attempts: 1 });
  expect(muted.value).toBe(false);
});
