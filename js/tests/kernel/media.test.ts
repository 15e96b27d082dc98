import { afterEach, expect, it, vi } from "vitest";
import replies from "../../../tests/protocol_cases/replies.json";
import { Client } from "../../src/kernel/client";
import { Media } from "../../src/kernel/media";
import { GoldenKernel, settle } from "../goldenKernel";

afterEach(() => vi.restoreAllMocks());

// Media whose delayed requests are sent by `runScheduled`.
function open(kernel: GoldenKernel) {
  const scheduled: (() => void)[] = [];
  const client = new Client(
    kernel,
    () => {},
    () => {},
  );
  return {
    media: new Media(client, (work) => scheduled.push(work)),
    runScheduled: () => {
      for (const work of scheduled.splice(0)) work();
    },
  };
}

it("filmstrips are requested together, and once", async () => {
  const kernel = new GoldenKernel();
  kernel.hold = true;
  const created = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:1");
  const { media, runScheduled } = open(kernel);
  const [filmstrip, missing] = [media.filmstrip("ab12-00001200-00003040"), media.filmstrip("gone")];
  media.filmstrip("gone");
  runScheduled();
  expect(kernel.requests).toHaveLength(1);
  const golden = replies.find((reply) => reply.type === "filmstrips");
  kernel.deliver({ ...golden, id: kernel.requests[0]?.id }, [new DataView(new Uint8Array([1, 2]).buffer)]);
  await settle();
  expect(created).toHaveBeenCalledTimes(1);
  expect(filmstrip.value).toMatchObject({ url: "blob:1", frames: 8, width: 320, height: 180 });
  expect(missing.value).toMatchObject({ url: "", reason: "There are no pictures of clip gone." });
});

it("a filmstrip that arrives after it was dropped from the cache creates no URL", async () => {
  const kernel = new GoldenKernel();
  kernel.hold = true;
  const created = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:1");
  const { media } = open(kernel);
  media.filmstrip("ab12-00001200-00003040");
  media.requestQueued();
  for (let i = 0; i < 500; i++) media.filmstrip(`c${i}`);
  media.requestQueued();
  const golden = replies.find((reply) => reply.type === "filmstrips");
  kernel.deliver({ ...golden, id: kernel.requests[0]?.id }, [new DataView(new Uint8Array([1, 2]).buffer)]);
  await settle();
  expect(created).not.toHaveBeenCalled();
});

it("a clip without a video has the reason", async () => {
  const { media } = open(new GoldenKernel());
  expect(await media.preview("ab12-00001200-00003040", 0)).toMatchObject({
    url: "",
    sound: false,
    reason: "The video is gone.",
  });
});

it("a preview is requested once for each context, and revoked when newer ones fill the cache", async () => {
  let count = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${count++}`);
  const revoked = vi.spyOn(URL, "revokeObjectURL").mockReturnValue();
  const kernel = new GoldenKernel();
  const { media } = open(kernel);
  const golden = replies.find((reply) => reply.type === "preview");
  kernel.send = (content) => {
    kernel.requests.push(content as (typeof kernel.requests)[number]);
    const { id } = content as { id: string };
    kernel.deliver({ ...golden, id, result: { ...golden?.result, available: true, sound: true } }, [
      new Uint8Array([1]),
    ]);
  };
  const [first, again] = await Promise.all([media.preview("a", 0), media.preview("a", 0)]);
  expect(again).toBe(first);
  expect(first).toMatchObject({ url: "blob:0", start: 1.2, end: 3.04, sound: true });
  await media.preview("a", 2);
  expect(kernel.requests.map(({ context }) => context)).toEqual([0, 2]);
  for (let i = 0; i < 12; i++) await media.preview(`b${i}`, 0);
  await settle();
  expect(revoked.mock.calls.flat()).toEqual(["blob:0", "blob:1"]);
});

it("wide filmstrips are requested for the cards that show them, each alone", async () => {
  const kernel = new GoldenKernel();
  kernel.hold = true;
  const { media, runScheduled } = open(kernel);
  media.filmstrip("a");
  media.requestQueued();
  media.wideFilmstrip("a");
  media.wideFilmstrip("b");
  media.wideFilmstrip("a");
  runScheduled();
  const requests = kernel.requests.map(({ clips, width }) => [clips, width]);
  expect(requests).toEqual([
    [["a"], 240],
    [["a"], 640],
    [["b"], 640],
  ]);
});
