// Whether the page is light or dark: by the host's theme, or by the operating system's if the host has none.

export type Theme = "light" | "dark";

// The theme that JupyterLab, VS Code, Colab or marimo declares on this page; null if none does.
export function themeOf(page: Document): Theme | null {
  const { body, documentElement: html } = page;
  const jupyter = body?.dataset.jpThemeLight;
  if (jupyter === "true" || jupyter === "false") return jupyter === "true" ? "light" : "dark";
  const code = body?.dataset.vscodeThemeKind ?? "";
  if (code.includes("dark") || code === "vscode-high-contrast") return "dark";
  if (code) return "light";
  const colab = html.getAttribute("theme");
  const marimo = body?.dataset.theme;
  return [colab, marimo].find((theme) => theme === "dark" || theme === "light") ?? null;
}

export function detectTheme(window: Window): Theme {
  for (let frame = window; ; frame = frame.parent) {
    try {
      const theme = themeOf(frame.document);
      if (theme) return theme;
    } catch (error) {
      if (error instanceof DOMException) break; // the parent frame is of another origin
      throw error;
    }
    if (frame.parent === frame) break;
  }
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// Calls `onTheme` now and whenever the theme changes; returns the function that stops it.
export function watchTheme(window: Window, onTheme: (theme: Theme) => void): () => void {
  const update = () => onTheme(detectTheme(window));
  const observer = new MutationObserver(update);
  const options = {
    attributes: true,
    attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind", "theme", "data-theme"],
  };
  observer.observe(window.document.documentElement, options);
  if (window.document.body) observer.observe(window.document.body, options);
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", update);
  update();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", update);
  };
}
