// Whether the notebook is light or dark, asked of the host before the operating system.

export type Theme = "light" | "dark";

export function themeOf(page: Document): Theme | null {
  const { body, documentElement: html } = page;
  const jupyter = body?.dataset.jpThemeLight;
  if (jupyter === "true" || jupyter === "false") return jupyter === "true" ? "light" : "dark";
  const code = body?.dataset.vscodeThemeKind ?? "";
  if (code.includes("dark") || code === "vscode-high-contrast") return "dark";
  if (code) return "light";
  const colab = html.getAttribute("theme");
  if (colab === "dark" || colab === "light") return colab;
  const marimo = body?.dataset.theme;
  if (marimo === "dark" || marimo === "light") return marimo;
  return null;
}

export function detect(view: Window): Theme {
  for (let frame = view; ; frame = frame.parent) {
    try {
      const theme = themeOf(frame.document);
      if (theme) return theme;
    } catch (error) {
      if (error instanceof DOMException) break; // a frame of another origin does not tell
      throw error;
    }
    if (frame.parent === frame) break;
  }
  return view.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// Calls `changed` with the theme now and whenever the host switches; returns the way to stop it.
export function follow(view: Window, changed: (theme: Theme) => void): () => void {
  const tell = () => changed(detect(view));
  const observer = new MutationObserver(tell);
  const watched = {
    attributes: true,
    attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind", "theme", "data-theme"],
  };
  observer.observe(view.document.documentElement, watched);
  if (view.document.body) observer.observe(view.document.body, watched);
  const system = view.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", tell);
  tell();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", tell);
  };
}
