// The entry that anywidget loads: listeners once a model, elements once a view.

import "./styles.css";
import { effect, signal } from "@preact/signals";
import { render as draw, h } from "preact";
import type { Model } from "./client";
import { App } from "./components/App";
import { Store } from "./store";
import { follow, type Theme } from "./theme";
import { View } from "./view";

// anywidget calls this once a model; it hands a proxy of its own to each of the two functions.
export default function annotator() {
  let store: Store | undefined;

  function initialize({ model }: { model: Model }): () => void {
    const opened = new Store(model);
    store = opened;
    return () => opened.close();
  }

  function render({ el }: { el: HTMLElement }): () => void {
    const opened = store;
    if (!opened) throw new Error("The annotator was shown before it was set up: run the cell again.");
    const theme = signal<Theme>("light");
    const root = document.createElement("div");
    root.className = "va-root";
    el.classList.add("va-host");
    el.append(root);
    const unfollow = follow(window, (now) => {
      theme.value = now;
    });
    const unpaint = effect(() => {
      root.dataset.vaTheme = theme.value;
    });
    root.addEventListener("pointermove", opened.visit);
    const detach = opened.attach();
    draw(h(App, { store: opened, view: new View(opened) }), root);
    return () => {
      unfollow();
      unpaint();
      draw(null, root);
      root.remove();
      detach();
    };
  }

  return { initialize, render };
}
