// The entry that anywidget loads: listeners once a model, elements once a view.

import "./styles.css";
import { effect, signal } from "@preact/signals";
import { render as draw, h } from "preact";
import type { Model } from "./client";
import { App } from "./components/App";
import { Store, View } from "./state";
import { follow, type Theme } from "./theme";

const stores = new WeakMap<Model, Store>();

function initialize({ model }: { model: Model }): () => void {
  const store = new Store(model);
  stores.set(model, store);
  return () => {
    store.close();
    stores.delete(model);
  };
}

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const store = stores.get(model);
  if (!store) throw new Error("The annotator was shown before it was set up: run the cell again.");
  const theme = signal<Theme>("light");
  const root = document.createElement("div");
  root.className = "va-root";
  el.append(root);
  const unfollow = follow(window, (now) => {
    theme.value = now;
  });
  const unpaint = effect(() => {
    root.dataset.vaTheme = theme.value;
    root.dataset.vaSize = store.place.value.size;
  });
  draw(h(App, { store, view: new View(store) }), root);
  return () => {
    unfollow();
    unpaint();
    draw(null, root);
    root.remove();
  };
}

export default { initialize, render };
