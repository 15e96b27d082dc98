// Keeps Lumino from acting on keys that the annotator handles.
//
// Notebook 7's key listener runs before the annotator's own listener can stop the event (JupyterLab's runs after it),
// so its shortcuts Y and B would change the type of the notebook's cells or insert some. In both, Lumino ignores a key
// if the element with the focus has the attribute `data-lm-suppress-shortcuts`. The guard sets or removes it for each
// key, in a listener on the window, which runs first.

import { isComposing, isHostKey } from "./keys";

const SUPPRESS = "data-lm-suppress-shortcuts";

// Guards the elements inside `root`; returns the function that stops it.
export function guardKeys(window: Window, root: Node): () => void {
  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.composedPath()[0];
    if (!(target instanceof Element && root.contains(target))) return;
    // Escape is not suppressed: the notebook needs it if nothing is open in the annotator. While a word is composed,
    // it only drops that word.
    const isLeft = isHostKey(event) || (event.key === "Escape" && !isComposing(event));
    target.toggleAttribute(SUPPRESS, !isLeft);
  };
  window.addEventListener("keydown", onKeyDown, true);
  return () => window.removeEventListener("keydown", onKeyDown, true);
}
