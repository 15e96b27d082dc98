// Keeps the keyboard's focus in the annotator when the element that has it is removed or disabled: a button that closes
// what it is on, or that belongs to the cards of a page that is replaced. Keys would otherwise go to the notebook.

// Calls `focusHome` when the focus would be lost from `root`; returns the function that stops it.
export function keepFocus(root: HTMLElement, focusHome: () => void): () => void {
  let focused: EventTarget | null = null; // inside `root`
  const onFocusIn = (event: FocusEvent) => {
    focused = event.target;
  };
  // Some browsers report the removal of the focused element, too. It is told from a click beside the annotator by
  // whether the element is still there.
  const onFocusOut = ({ target }: FocusEvent) => {
    queueMicrotask(() => {
      if (target === focused && target instanceof Element && !isGone(target)) focused = null;
    });
  };
  const isGone = (element: Element) => !root.contains(element) || element.matches(":disabled");
  const observer = new MutationObserver(() => {
    if (!(focused instanceof Element) || !isGone(focused)) return;
    const { activeElement } = root.getRootNode() as Document | ShadowRoot;
    const isLost = activeElement === null || activeElement === document.body || activeElement === focused;
    focused = null;
    if (isLost) focusHome();
  });
  root.addEventListener("focusin", onFocusIn);
  root.addEventListener("focusout", onFocusOut);
  observer.observe(root, { subtree: true, childList: true, attributeFilter: ["disabled"] });
  return () => {
    observer.disconnect();
    root.removeEventListener("focusin", onFocusIn);
    root.removeEventListener("focusout", onFocusOut);
  };
}
