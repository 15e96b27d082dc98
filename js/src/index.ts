// The entry that anywidget loads: `initialize` runs once a model, `render` once a view.

import "./styles/annotator.css";
import { effect, signal } from "@preact/signals";
import { h, render as renderPreact } from "preact";
import { Store } from "./annotator/store";
import { View } from "./annotator/view";
import { App } from "./components/App";
import type { Model } from "./kernel/client";
import { type Theme, watchTheme } from "./theme";

// anywidget calls this once a model. It passes a different proxy of the model to each of the two functions, so the
// store cannot be found by its model.
export default function annotator() {
  let initialized: Store | undefined;

  function initialize({ model }: { model: Model }): () => void {
    const store = new Store(model);
    initialized = store;
    return () => store.close();
  }

  function render({ el }: { el: HTMLElement }): () => void {
    const store = initialized;
    if (!store) throw new Error("The annotator was shown before it was set up: run the cell again.");
    const theme = signal<Theme>("light");
    const root = document.createElement("div");
    root.className = "va-root";
    el.classList.add("va-host");
    el.append(root);
    const stopWatching = watchTheme(window, (now) => {
      theme.value = now;
    });
    const stopEffect = effect(() => {
      root.dataset.vaTheme = theme.value;
    });
    root.addEventListener("pointermove", store.connection.visit);
    const detach = store.connection.attach();
    renderPreact(h(App, { store, view: new View(store) }), root);
    return () => {
      stopWatching();
      stopEffect();
      renderPreact(null, root);
      root.remove();
      detach();
    };
  }

  return { initialize, render };
}
