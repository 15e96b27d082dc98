// Notebook 7 hears a key before our page does, where JupyterLab hears it after: stopping it in our own listener is too
// late there, and its Y and B would change the notebook's cells. Both leave a key alone while the element that has the
// focus carries Lumino's attribute, which is therefore set, or not, for each key before anybody hears it.

import { leaks } from "./keys";

const QUIET = "data-lm-suppress-shortcuts";

export function hush(window: Window, root: Node): () => void {
  const heard = (event: KeyboardEvent): void => {
    const target = event.composedPath()[0];
    if (!(target instanceof Element && root.contains(target))) return;
    // Escape may be the notebook's, and it is harmless.
    target.toggleAttribute(QUIET, !leaks(event) && event.key !== "Escape");
  };
  window.addEventListener("keydown", heard, true);
  return () => window.removeEventListener("keydown", heard, true);
}
