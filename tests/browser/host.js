// Imitates anywidget and the kernel: models whose kernel side answers requests about some clips, keeps labels and draws
// filmstrips. Tests control it through `window.kernel`: hold back or drop messages, refit, count requests. `options.host`
// is the notebook that is imitated: "jupyterlab", "notebook" (7), "colab" or "vscode".

import annotator from "/annotator.js";

const { golden, options } = JSON.parse(document.getElementById("setup").textContent);
const exampleOf = (type) => structuredClone(golden.find((reply) => reply.type === type).result);
const card = exampleOf("similar").cards[0];
const allClips = Array.from({ length: options.clips }, (_, i) => `clip-${i}`);
const models = [];

const kernel = {
  asked: [], // requests of all pages, oldest first
  open: 0, // messages that have arrived and are not answered yet
  held: [],
  hold: options.hold ?? false, // hold messages back, as a busy kernel does: all of them, or those of one type
  lose: false, // drop messages, as a broken connection does
  unsavable: "", // why no label can be saved
  gone: options.gone ?? false, // refuse messages, as JupyterLab does where a new kernel does not know the widget
  version: 3,
  suggested: true,
  advice: "",
  guideline: "",
  remarks: {}, // by clip
  concept: options.concept,
  status: options.status ?? {}, // overrides of the status's fields
  note: options.note ?? "", // the note of searches
  // Searches and feeds wait for this promise, as for a text model, until a test calls `kernel.load()`.
  loaded: options.loading ? new Promise((done) => setTimeout(() => { kernel.load = done; })) : undefined,
  labels: { [options.concept]: {} },
  seen: new Set(), // ids of changes that are stored
  done: {}, // stacks of changes, by concept
  undone: {}, // stacks of undone changes, by concept
  refit() {
    kernel.version += 1;
    broadcast("refit", { version: kernel.version, flipped: 2, seconds: 0.01 });
  },
  release() {
    kernel.hold = false;
    for (const [model, message] of kernel.held.splice(0)) arrive(model, message);
  },
  broadcast,
};
window.kernel = kernel;
window.leaked = [];
document.addEventListener("keydown", (event) => window.leaked.push(event.key));
if (options.host === "notebook") {
  // Notebook 7 handles keys before the page does, except for those in text boxes and in elements that suppress shortcuts.
  const takes = (event) => {
    if (event.key === "Escape" || event.target.matches("input, textarea, [data-lm-suppress-shortcuts]")) return;
    window.leaked.push(event.key);
    event.stopPropagation();
  };
  document.addEventListener("keydown", takes, true);
}
// Colab and VS Code have no subshells: every request, labels included, waits for the answers to those before it.
const oneQueue = ["colab", "vscode"].includes(options.host);
// They show output in an iframe, which may have no storage.
if (oneQueue) {
  const refuse = () => {
    throw new DOMException("The frame is sandboxed.", "SecurityError");
  };
  Object.defineProperty(window, "sessionStorage", { get: refuse });
}
for (let i = 0; i < options.labelled; i++) labelsOf()[allClips[i]] = i % 3 === 0 ? "yes" : "no";

function labelsOf(concept = kernel.concept) {
  kernel.labels[concept] ??= {};
  return kernel.labels[concept];
}

function status() {
  const values = Object.values(labelsOf());
  const number = (value) => values.filter((label) => label === value).length;
  const counts = { yes: number("yes"), no: number("no"), unsure: number("unsure") };
  const measured = counts.yes > 2 && counts.no > 2;
  const feeds = exampleOf("hello").status.feeds.filter((name) => kernel.suggested || name !== "suggested");
  return {
    ...exampleOf("hello").status,
    feeds,
    counts,
    concept: kernel.concept,
    guideline: kernel.guideline,
    advice: kernel.advice,
    version: kernel.version,
    quality: measured ? exampleOf("hello").status.quality : null,
    quality_note: measured ? "" : "too few labels yet: 3 yes and 3 no needed",
    can_undo: (kernel.done[kernel.concept] ?? []).length > 0,
    can_redo: (kernel.undone[kernel.concept] ?? []).length > 0,
    clips: allClips.length,
    ...kernel.status,
  };
}

function broadcast(event, data) {
  for (const model of models.filter(({ seen }) => seen)) model.deliver({ v: 1, event, data: { status: status(), ...data } });
}

const moves = [
  { words: "camera moves left slowly", direction: 180, word: "" },
  { words: "static", direction: null, word: "static" },
  { words: "zooms in, camera moves up", direction: 270, word: "zooms in" },
  null, // not measured
  { words: "camera moves down and right", direction: 45, word: "" },
  { words: "static, subject moves", direction: null, word: "static" },
];

function cardOf(clip, i) {
  const number = allClips.indexOf(clip);
  const title = options.title || `reel-${String(number).padStart(4, "0")}.mp4`;
  const place = { video: title, start: number * 3, end: number * 3 + 2.4 };
  const motion = kernel.status.motion === false ? null : moves[number % moves.length];
  const reason = options.byMotion && motion ? motion.words : card.reason; // as in a search for a camera move
  return { ...card, ...place, clip, motion, remark: kernel.remarks[clip] ?? null, reason, label: labelsOf()[clip] ?? null, score: Math.max(0, 0.96 - i / 40) };
}

const passes = (clip, filter) => filter === "all" || isStatic(clip) === (filter === "static");
const isStatic = (clip) => moves[allClips.indexOf(clip) % moves.length]?.word === "static";

// What review says of a label that the classifier doubts.
const doubted = (card) => ({ ...card, suspicion: 0.8, reason: `looks like ${card.label === "yes" ? "no" : "yes"}` });

function set(clips, values) {
  const before = clips.map((clip) => labelsOf()[clip]);
  clips.forEach((clip, i) => {
    if (values[i]) labelsOf()[clip] = values[i];
    else delete labelsOf()[clip];
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
  const labels = Object.fromEntries(clips.map((clip) => [clip, labelsOf()[clip] ?? null]));
  kernel.concept = current;
  return labels;
}

// Filmstrips look alike from ten clips to ten: each is drawn once.
const strips = new Map();
async function strip(index, width) {
  const key = `${index % 10} ${width}`;
  if (!strips.has(key)) strips.set(key, draw(index, width));
  return (await strips.get(key)).slice();
}

async function draw(index, width) {
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

// Buffers are a Uint8Array in Colab, a DataView in Jupyter, and in VS Code perhaps a view into the whole message.
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
  const result = exampleOf(message.type);
  let buffers = [];
  const labels = labelsOf();
  if (["search", "feed"].includes(message.type)) await kernel.loaded;
  if (message.type === "hello") {
    model.seen = true;
    result.labels = Object.fromEntries(message.clips.map((clip) => [clip, labels[clip] ?? null]));
  }
  if (message.type === "bye") model.seen = false;
  if (message.type === "feed") {
    const rest = allClips.filter((clip) => !message.exclude.includes(clip) && !labels[clip]);
    Object.assign(result, { cards: rest.slice(0, message.k).map(cardOf), version: kernel.version });
  }
  if (["search", "similar", "sorted"].includes(message.type)) {
    const left = allClips.filter((clip) => !message.exclude.includes(clip) && (message.labelled || !labels[clip]))
      .filter((clip) => passes(clip, message.motion));
    const matches = message.text?.includes("nothing") ? [] : left.slice(0, message.k);
    result.cards = matches.map(cardOf);
    const motion = options.byMotion ? "camera moves left" : "";
    if (message.type === "search") Object.assign(result, { note: kernel.note, motion });
    if (message.type === "sorted") for (const card of result.cards) card.reason = `${message.number} 0.31`;
  }
  if (message.type === "review") {
    result.clips = allClips.filter((clip) => labels[clip] && [labels[clip], "all"].includes(message.value));
    result.cards = result.clips.slice(0, message.k).map(cardOf).map(doubted);
  }
  if (message.type === "reviewed") result.cards = message.clips.map(cardOf).map(doubted);
  if (message.type === "guideline") kernel.guideline = message.text;
  if (message.type === "remark") {
    result.remark = { note: message.note, tags: message.tags, others: "" };
    kernel.remarks[message.clip] = result.remark;
  }
  if (message.type === "switch") kernel.concept = message.concept.trim();
  if (message.type === "forget") delete kernel.labels[message.concept];
  if (["concepts", "forget"].includes(message.type)) {
    result.concepts = Object.entries(kernel.labels).map(([concept, all]) => {
      const number = (value) => Object.values(all).filter((label) => label === value).length;
      const empty = Object.keys(all).length === 0 && concept !== kernel.concept;
      const counts = { yes: number("yes"), no: number("no"), unsure: number("unsure") };
      return { concept, ...counts, annotators: options.annotators ?? 1, empty, archived: false };
    });
  }
  if (message.type === "publish") result.name = message.name;
  if (message.type === "export") buffers = [wrapped(new TextEncoder().encode("clip_id,score\nclip-0,0.96\n").buffer)];
  const changes = ["label", "undo", "redo"].includes(message.type);
  if (changes && kernel.unsavable) {
    kernel.status = { state: "error", message: kernel.unsavable };
    broadcast("status", {});
    kernel.open -= 1;
    const error = { code: "not_saved", message: kernel.unsavable };
    model.deliver({ v: 1, id: message.id, type: message.type, ok: false, error });
    return;
  }
  if (changes) result.labels = change(message);
  if (message.type === "filmstrips") {
    const { width } = message;
    buffers = (await Promise.all(message.clips.map((clip) => strip(allClips.indexOf(clip), width)))).map(wrapped);
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
  if (changes) broadcast("labels", { labels: result.labels });
  if (message.type === "switch") broadcast("switch", {});
  kernel.open -= 1;
  model.deliver({ v: 1, id: message.id, type: message.type, ok: true, result }, buffers);
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
    seen: false, // a page has sent hello, and none has sent bye
    on: (name, listener) => listeners.push({ name, listener }),
    off: (name, listener) => {
      listeners = listeners.filter((entry) => entry.name !== name || entry.listener !== listener);
    },
    send(message) {
      if (kernel.gone) throw new Error("Cannot send");
      kernel.asked.push(message);
      model.asked.push(message.type);
      if (kernel.lose) return;
      if (kernel.hold === true || kernel.hold === message.type) kernel.held.push([model, message]);
      else arrive(model, message);
    },
    deliver(content, buffers = []) {
      model.emit("msg:custom", content, buffers);
    },
    emit(event, ...values) {
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
