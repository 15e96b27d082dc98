// The entry that anywidget loads: `initialize` runs once a model, `render` once a view. The trait `app` says which widget
// it is: an annotator has none.

import "./styles/annotator.css";
import { effect, signal } from "@preact/signals";
import { type ComponentChild, h, render as renderPreact } from "preact";
import { Store } from "./annotator/store";
import { View } from "./annotator/view";
import { App } from "./components/App";
import { ExplorerApp } from "./components/explorer/ExplorerApp";
import { TimelineApp } from "./components/timeline/TimelineApp";
import { ExplorerStore } from "./explorer/store";
import { ExplorerView } from "./explorer/view";
import type { Model } from "./kernel/client";
import { type Theme, watchTheme } from "./theme";

// What a widget does: once a model it is set up, once a view it is attached and drawn.
interface Widget {
  readonly close: () => void;
  readonly attach: () => () => void;
  readonly visit: () => void; // the user points at it
  readonly draw: () => ComponentChild; // a new view
}

function annotatorOf(model: Model): Widget {
  const store = new Store(model);
  return {
    close: () => store.close(),
    attach: () => store.connection.attach(),
    visit: store.connection.visit,
    draw: () => h(App, { store, view: new View(store) }),
  };
}

function explorerOf(model: Model, app: "explorer" | "timeline"): Widget {
  const store = new ExplorerStore(model);
  return {
    close: () => store.close(),
    attach: () => store.attach(),
    visit: store.visit,
    draw: () =>
      app === "timeline"
        ? h(TimelineApp, { store })
        : h(ExplorerApp, { store, view: new ExplorerView(store) }),
  };
}

// anywidget calls this once a model. It passes a different proxy of the model to each of the two functions, so the
// widget cannot be found by its model.
export default function annotator() {
  let initialized: Widget | undefined;

  function initialize({ model }: { model: Model }): () => void {
    const app = model.get("app");
    const widget = app === "explorer" || app === "timeline" ? explorerOf(model, app) : annotatorOf(model);
    initialized = widget;
    return () => widget.close();
  }

  function render({ el }: { el: HTMLElement }): () => void {
    const widget = initialized;
    if (!widget) throw new Error("The annotator was shown before it was set up: run the cell again.");
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
    root.addEventListener("pointermove", widget.visit);
    const detach = widget.attach();
    renderPreact(widget.draw(), root);
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
