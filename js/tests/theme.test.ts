import { expect, it } from "vitest";
import { themeOf } from "../src/theme";

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
