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

it("a clip without a video brings its reason", async () => {
  const { media: films } = media(new Kernel());
  expect(await films.clip("ab12-00001200-00003040")).toEqual({ url: "", reason: "The video is gone." });
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
