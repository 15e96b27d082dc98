import { afterEach, expect, it, vi } from "vitest";
import replies from "../../tests/protocol_cases/replies.json";
import { Client } from "../src/client";
import { Media } from "../src/media";
import { themeOf } from "../src/theme";
import { Kernel, settle } from "./kernel";

afterEach(() => vi.restoreAllMocks());

function media(kernel: Kernel) {
  const works: (() => void)[] = [];
  const asked = new Client(
    kernel,
    () => {},
    () => {},
  );
  return {
    media: new Media(asked, (work) => works.push(work)),
    run: () => {
      for (const work of works.splice(0)) work();
    },
  };
}

it("pictures are asked for together, and once", async () => {
  const kernel = new Kernel();
  kernel.hold = true;
  const made = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:1");
  const { media: films, run } = media(kernel);
  const [film, gone] = [films.film("ab12-00001200-00003040"), films.film("gone")];
  films.film("gone");
  run();
  expect(kernel.asked).toHaveLength(1);
  const golden = replies.find((reply) => reply.type === "filmstrips");
  kernel.tell({ ...golden, id: kernel.asked[0]?.id }, [new DataView(new Uint8Array([1, 2]).buffer)]);
  await settle();
  expect(made).toHaveBeenCalledTimes(1);
  expect(film.value).toMatchObject({ url: "blob:1", frames: 8, width: 320, height: 180 });
  expect(gone.value).toMatchObject({ url: "", reason: "There are no pictures of clip gone." });
});

it("a picture that comes when it is no longer kept leaves nothing behind", async () => {
  const kernel = new Kernel();
  kernel.hold = true;
  const made = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:1");
  const { media: films } = media(kernel);
  films.film("ab12-00001200-00003040");
  films.ask();
  for (let i = 0; i < 500; i++) films.film(`c${i}`);
  films.ask();
  const golden = replies.find((reply) => reply.type === "filmstrips");
  kernel.tell({ ...golden, id: kernel.asked[0]?.id }, [new DataView(new Uint8Array([1, 2]).buffer)]);
  await settle();
  expect(made).not.toHaveBeenCalled();
});

it("a clip without a video brings its reason", async () => {
  const { media: films } = media(new Kernel());
  expect(await films.clip("ab12-00001200-00003040", 0)).toMatchObject({
    url: "",
    sound: false,
    reason: "The video is gone.",
  });
});

it("a video is cut once for each wish, and given back when others came", async () => {
  let made = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${made++}`);
  const given = vi.spyOn(URL, "revokeObjectURL").mockReturnValue();
  const kernel = new Kernel();
  const { media: films } = media(kernel);
  const golden = replies.find((reply) => reply.type === "preview");
  kernel.send = (content) => {
    kernel.asked.push(content as (typeof kernel.asked)[number]);
    const { id } = content as { id: string };
    kernel.tell({ ...golden, id, result: { ...golden?.result, available: true, sound: true } }, [
      new Uint8Array([1]),
    ]);
  };
  const [first, again] = await Promise.all([films.clip("a", 0), films.clip("a", 0)]);
  expect(again).toBe(first);
  expect(first).toMatchObject({ url: "blob:0", start: 1.2, end: 3.04, sound: true });
  await films.clip("a", 2);
  expect(kernel.asked.map(({ context }) => context)).toEqual([0, 2]);
  for (let i = 0; i < 12; i++) await films.clip(`b${i}`, 0);
  await settle();
  expect(given.mock.calls.flat()).toEqual(["blob:0", "blob:1"]);
});

it("the theme is the host's", () => {
  const page = document.implementation.createHTMLDocument();
  expect(themeOf(page)).toBeNull();
  page.body.dataset.jpThemeLight = "false";
  expect(themeOf(page)).toBe("dark");
  page.body.dataset.jpThemeLight = "true";
  expect(themeOf(page)).toBe("light");
  delete page.body.dataset.jpThemeLight;
  page.body.dataset.vscodeThemeKind = "vscode-dark";
  expect(themeOf(page)).toBe("dark");
});
