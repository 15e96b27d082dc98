// Stands where anywidget and the kernel are: models whose other end knows some clips, keeps labels and draws
// filmstrips. `window.kernel` is for the tests: hold or lose messages, refit, count. `options.host` says which notebook
// this is: "jupyterlab", "notebook" (7), "colab" or "vscode".

import annotator from "/annotator.js";

const { golden, options } = JSON.parse(document.getElementById("setup").textContent);
const by = (type) => structuredClone(golden.find((reply) => reply.type === type).result);
const card = by("similar").cards[0];
const every = Array.from({ length: options.clips }, (_, i) => `clip-${i}`);
const models = [];

const kernel = {
  asked: [],
  open: 0, // messages that have arrived and are not answered yet
  held: [],
  hold: false, // keep messages back, as a busy kernel does
  lose: false, // swallow them, as a broken connection does
  unsavable: "", // why no label can be saved
  gone: options.gone ?? false, // refuse them, as JupyterLab does where a new kernel does not know the widget
  version: 3,
  suggested: true,
  advice: "",
  guideline: "",
  concept: options.concept,
  status: options.status ?? {}, // what the status shall say instead
  note: options.note ?? "", // of a search
  // What searches and feeds wait for, as for a text model, until a test calls `kernel.load()`.
  loaded: options.loading ? new Promise((done) => setTimeout(() => { kernel.load = done; })) : undefined,
  labels: { [options.concept]: {} },
  seen: new Set(), // ids of changes that are stored
  done: {}, // stacks of changes a concept
  undone: {},
  refit() {
    kernel.version += 1;
    tellAll("refit", { version: kernel.version, flipped: 2, seconds: 0.01 });
  },
  release() {
    kernel.hold = false;
    for (const [model, message] of kernel.held.splice(0)) arrive(model, message);
  },
  tellAll,
};
window.kernel = kernel;
window.leaked = [];
document.addEventListener("keydown", (event) => window.leaked.push(event.key));
if (options.host === "notebook") {
  // It hears keys before the page does, and takes those that do not come from a box or from whom it must leave alone.
  const takes = (event) => {
    if (event.key === "Escape" || event.target.matches("input, textarea, [data-lm-suppress-shortcuts]")) return;
    window.leaked.push(event.key);
    event.stopPropagation();
  };
  document.addEventListener("keydown", takes, true);
}
// Colab and VS Code have no subshells: whatever is asked for, labels included, waits for what was asked for before.
const oneQueue = ["colab", "vscode"].includes(options.host);
// They show output in a frame of its own, which may have no storage.
if (oneQueue) {
  const refuse = () => {
    throw new DOMException("The frame is sandboxed.", "SecurityError");
  };
  Object.defineProperty(window, "sessionStorage", { get: refuse });
}
for (let i = 0; i < options.labelled; i++) here()[every[i]] = i % 3 === 0 ? "yes" : "no";

function here(concept = kernel.concept) {
  kernel.labels[concept] ??= {};
  return kernel.labels[concept];
}

function status() {
  const values = Object.values(here());
  const number = (value) => values.filter((one) => one === value).length;
  const counts = { yes: number("yes"), no: number("no"), unsure: number("unsure") };
  const learnt = counts.yes > 2 && counts.no > 2;
  const feeds = by("hello").status.feeds.filter((name) => kernel.suggested || name !== "suggested");
  return {
    ...by("hello").status,
    feeds,
    counts,
    concept: kernel.concept,
    guideline: kernel.guideline,
    advice: kernel.advice,
    version: kernel.version,
    quality: learnt ? by("hello").status.quality : null,
    quality_note: learnt ? "" : "too few labels yet: 3 yes and 3 no needed",
    can_undo: (kernel.done[kernel.concept] ?? []).length > 0,
    can_redo: (kernel.undone[kernel.concept] ?? []).length > 0,
    clips: every.length,
    ...kernel.status,
  };
}

function tellAll(event, data) {
  for (const model of models.filter(({ seen }) => seen)) model.tell({ v: 1, event, data: { status: status(), ...data } });
}

function cardOf(clip, i) {
  const number = every.indexOf(clip);
  const title = options.title || `reel-${String(number).padStart(4, "0")}.mp4`;
  const place = { video: title, start: number * 3, end: number * 3 + 2.4 };
  return { ...card, ...place, clip, label: here()[clip] ?? null, score: Math.max(0, 0.96 - i / 40) };
}

function set(clips, values) {
  const before = clips.map((clip) => here()[clip]);
  clips.forEach((clip, i) => {
    if (values[i]) here()[clip] = values[i];
    else delete here()[clip];
  });
  return before;
}

function change(message) {
  kernel.done[message.concept] ??= [];
  kernel.undone[message.concept] ??= [];
  const [done, undone] = [kernel.done[message.concept], kernel.undone[message.concept]];
  const current = kernel.concept;
  kernel.concept = message.concept;
  let clips = [];
  if (!kernel.seen.has(message.id)) {
    kernel.seen.add(message.id);
    if (message.type === "label") {
      clips = message.clips;
      const after = clips.map(() => (message.value === "none" ? undefined : message.value));
      done.push({ clips, after, before: set(clips, after) });
      undone.length = 0;
    } else {
      const [from, to] = message.type === "undo" ? [done, undone] : [undone, done];
      const step = from.pop();
      if (step) {
        clips = step.clips;
        set(clips, message.type === "undo" ? step.before : step.after);
        to.push(step);
      }
    }
  }
  const labels = Object.fromEntries(clips.map((clip) => [clip, here()[clip] ?? null]));
  kernel.concept = current;
  return labels;
}

async function strip(index, width) {
  const scale = width / 160;
  const canvas = new OffscreenCanvas(8 * width, 90 * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  for (let i = 0; i < 8; i++) {
    pen.fillStyle = `hsl(${index * 36} 45% ${30 + 4 * i}%)`;
    pen.fillRect(160 * i, 0, 160, 90);
    pen.fillStyle = "white";
    pen.fillRect(160 * i + 15 * i, 35, 20, 20);
  }
  const blob = await canvas.convertToBlob({ type: "image/jpeg" });
  return blob.arrayBuffer();
}

// Colab hands buffers over as Uint8Array, Jupyter as DataView, VS Code perhaps as a window into the whole message.
function wrapped(data) {
  if (options.host === "colab") return new Uint8Array(data);
  if (options.host !== "vscode") return new DataView(data);
  const message = new Uint8Array(data.byteLength + 24).fill(255);
  message.set(new Uint8Array(data), 16);
  return new DataView(message.buffer, 16, data.byteLength);
}

let queue = Promise.resolve();
function arrive(model, message) {
  kernel.open += 1;
  if (oneQueue) queue = queue.then(() => answer(model, message));
  else void answer(model, message);
}

async function answer(model, message) {
  const result = by(message.type);
  let buffers = [];
  const labels = here();
  if (["search", "feed"].includes(message.type)) await kernel.loaded;
  if (message.type === "hello") {
    model.seen = true;
    result.labels = Object.fromEntries(message.clips.map((clip) => [clip, labels[clip] ?? null]));
  }
  if (message.type === "bye") model.seen = false;
  if (message.type === "feed") {
    const rest = every.filter((clip) => !message.exclude.includes(clip) && !labels[clip]);
    Object.assign(result, { cards: rest.slice(0, message.k).map(cardOf), version: kernel.version });
  }
  if (message.type === "search" || message.type === "similar") {
    const left = every.filter((clip) => !message.exclude.includes(clip) && (message.labelled || !labels[clip]));
    const found = message.text?.includes("nothing") ? [] : left.slice(0, message.k);
    result.cards = found.map(cardOf);
    if (message.type === "search") result.note = kernel.note;
  }
  if (message.type === "review") {
    result.clips = every.filter((clip) => labels[clip] && [labels[clip], "all"].includes(message.value));
    result.cards = result.clips.slice(0, message.k).map(cardOf);
  }
  if (message.type === "reviewed") result.cards = message.clips.map(cardOf);
  if (message.type === "guideline") kernel.guideline = message.text;
  if (message.type === "switch") kernel.concept = message.concept.trim();
  if (message.type === "concepts") {
    result.concepts = Object.entries(kernel.labels).map(([concept, all]) => {
      const number = (value) => Object.values(all).filter((one) => one === value).length;
      return { concept, yes: number("yes"), no: number("no"), unsure: number("unsure") };
    });
  }
  if (message.type === "publish") result.name = message.name;
  const changes = ["label", "undo", "redo"].includes(message.type);
  if (changes && kernel.unsavable) {
    kernel.status = { state: "error", message: kernel.unsavable };
    tellAll("status", {});
    kernel.open -= 1;
    const error = { code: "not_saved", message: kernel.unsavable };
    model.tell({ v: 1, id: message.id, type: message.type, ok: false, error });
    return;
  }
  if (changes) result.labels = change(message);
  if (message.type === "filmstrips") {
    const { width } = message;
    buffers = (await Promise.all(message.clips.map((clip) => strip(every.indexOf(clip), width)))).map(wrapped);
    result.strips = message.clips.map((clip, i) => ({
      ...{ clip, mime: "image/jpeg", frames: 8, width, height: (9 * width) / 16, buffer: i, reason: "" },
    }));
  }
  if (message.type === "preview" && options.video) {
    buffers = [wrapped(await (await fetch("/clip.mp4")).arrayBuffer())];
    const place = { start: message.context, end: message.context + 2 };
    Object.assign(result, { available: true, reason: "", sound: options.sound, ...place });
  }
  if (result.status) result.status = status();
  if (changes) tellAll("labels", { labels: result.labels });
  if (message.type === "switch") tellAll("switch", {});
  kernel.open -= 1;
  model.tell({ v: 1, id: message.id, type: message.type, ok: true, result }, buffers);
}

function open(element) {
  let listeners = [];
  let kept = options.place;
  const model = {
    asked: [],
    get: () => kept,
    set: (_, value) => {
      kept = value;
      window.place = value;
    },
    save_changes() {},
    seen: false, // a page has said hello, and none has said bye
    on: (name, listener) => listeners.push({ name, listener }),
    off: (name, listener) => {
      listeners = listeners.filter((one) => one.name !== name || one.listener !== listener);
    },
    send(message) {
      if (kernel.gone) throw new Error("Cannot send");
      kernel.asked.push(message);
      model.asked.push(message.type);
      if (kernel.lose) return;
      if (kernel.hold) kernel.held.push([model, message]);
      else arrive(model, message);
    },
    tell(content, buffers = []) {
      model.happen("msg:custom", content, buffers);
    },
    happen(event, ...values) {
      for (const { name, listener } of [...listeners]) if (name === event) listener(...values);
    },
  };
  models.push(model);
  const widget = annotator();
  widget.initialize({ model });
  return [...element.querySelectorAll(".view")].map((view) => widget.render({ model, el: view }));
}

const cells = [...document.querySelectorAll(".widget")];
let views = cells.flatMap(open);
window.models = models;
// Every cell is run again: its views go, its model stays, and a new widget takes its place.
window.rerun = () => {
  for (const close of views) close();
  views = cells.flatMap(open);
};
