/* The explorer: a text on its way through BERT's embedding layer.

`mount` draws and handles everything a person does, in a notebook and in a web page. A source gives it the numbers of
a text: in a notebook the kernel (the default export is what anywidget calls), in a page docs/explorer_page.js.

A source has `async numbers(text, pair, {signal, tell})` -> {tokens, ids, types, words, unknown, cut, width, sizes,
stages} of T tokens: `words` the number of each token's word or null; `unknown` {place: the text behind [UNK]}; `cut`
the model's positions if the text was longer, or 0; `sizes` the rows of each table; `stages` {stage: Float32Array of
T x width}. It rejects with an Error whose message is a sentence. `where`, if it has one, is who is asked. */

const PARTS = ["word", "segment", "position"];
export const STAGES = [...PARTS, "sum", "LayerNorm"];
const CELLS = 24; // numbers drawn for each token; for a token that is followed, all of them
const COLUMN = { place: 1, word: 2, segment: 3, position: 4, cosine: 5 };
const EXAMPLES = [
  ["one sentence", "today is a good day", "", "pair"],
  ["word pieces", "unaffable embeddings", "", "pair"],
  ["a pair", "is it a good day?", "it is", "pair"],
  ["bank and bank", "the bank of the river", "money in the bank", "compare"],
  ["another order", "dog bites man", "man bites dog", "compare"],
  ["other scripts", "café 東京 مرحبا 🙂", "", "pair"],
];
const SAID = {
  "[CLS]": "[CLS] opens every text.",
  "[SEP]": "[SEP] ends each text.",
  "[MASK]": "[MASK] hides a word, which BERT learned to guess.",
  "[PAD]": "[PAD] fills up the shorter texts of a batch.",
};
// Signed numbers, as in the course's pictures; on a dark page zero is dark.
const COLOURS = {
  light: ["#00382e", "#3f9c86", "#ffffff", "#ef9a94", "#d8232f"],
  dark: ["#a8f0dd", "#3f9c86", "#20242a", "#c9525a", "#ffb9b3"],
};
const CSS = `
.bert-explorer {
  --ink: #161616; --muted: #5a5a5a; --paper: #fff; --line: #c8c8c8; --button: #f2f2f2; --pick: #d9e8ff; --focus: #1d6fd8;
  --word: #0d3b8c; --segment: #d27d00; --position: #a8437f; --sum: #111; --LayerNorm: #111;
  display: flex; flex-direction: column; container-type: inline-size; position: relative; max-width: 900px; margin: .5em 0; padding: 10px; box-sizing: border-box; text-align: left;
  border: 1px solid var(--line); border-radius: 8px; background: var(--paper); color: var(--ink);
  font: 15px/1.4 system-ui, sans-serif;
  &.dark { --ink: #ececec; --muted: #b4b4b4; --paper: #16191d; --line: #4a4f57; --button: #272c33; --pick: #24405f;
    --focus: #7db4ff; --word: #8db8ff; --segment: #ffb347; --position: #f09ac8; --sum: #ececec; --LayerNorm: #ececec; }
  p, ul { margin: .5em 0; font-size: 14px; } ul { padding-left: 1.2em; } li { margin: 0; } [hidden] { display: none !important; }
  .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  input, select, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--muted);
    border-radius: 5px; padding: 4px 8px; min-height: 32px; box-sizing: border-box; max-width: 100%; margin: 0; }
  input { width: 100%; font-size: 16px; } button { background: var(--button); cursor: pointer; }
  :focus-visible { outline: 3px solid var(--focus); outline-offset: 1px; }
  .examples, .choices, .legend { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
  .choices label { margin-right: 6px; }
  .examples { padding: 2px; margin: -2px; } .examples button { flex: none; font-size: 14px; padding: 4px 7px; }
  .boxes { display: grid; grid-template-columns: 6em 1fr; gap: 6px 10px; align-items: center; margin: 8px 0; }
  .boxes { scroll-margin-top: 4em; } .more summary, .close { display: none; }
  .grid { --row: 30px; display: grid; gap: 0 14px; max-height: 460px; overflow-y: auto; position: relative; margin-top: 10px; }
  .grid.waits { display: block; max-height: none; overflow: hidden; } .waits ~ * { display: none; }
  .head { position: sticky; top: 0; z-index: 2; background: var(--paper); padding: 2px 0; font-weight: 600;
    font-size: 13px; border-bottom: 3px solid var(--hue, var(--line)); display: flex; gap: 4px; align-items: end; }
  .head b, .head small { color: var(--muted); } .head small { display: none; font-size: 10px; font-weight: 400; }
  canvas { display: block; image-rendering: pixelated; width: 100%; }
  .grid canvas { grid-row: 2; height: calc(var(--rows) * var(--row)); width: calc(100% - var(--room, 0px)); margin-left: auto; }
  .rows { grid-row: 2; grid-column: 1 / -1; display: grid; grid-template-columns: subgrid; grid-auto-rows: var(--row); z-index: 1; }
  .line { grid-column: 1 / -1; display: grid; grid-template-columns: subgrid; border-bottom: 4px solid var(--paper);
    cursor: pointer; box-sizing: border-box; align-items: center; white-space: nowrap; }
  .line { scroll-margin-top: 7em; }
  .line:hover { outline: 2px solid var(--line); outline-offset: -2px; }
  .line[aria-selected=true] { outline: 3px solid var(--focus); outline-offset: -2px; }
  .line[aria-selected=true] .token { background: var(--pick); }
  .token { grid-column: 1; grid-row: 1; overflow: hidden; text-overflow: ellipsis; padding: 0 6px; border-left: 4px solid var(--line); font-weight: 600; }
  .token.goes-on { border-color: var(--word); } .token.moved { border-color: var(--position); }
  .token small, .n { color: var(--muted); font-weight: 400; font-size: 13px; font-variant-numeric: tabular-nums; }
  .place { justify-self: end; }
  .legend { color: var(--muted); } .legend span { white-space: nowrap; }
  .legend i { display: inline-block; width: 11px; height: 11px; margin: 0 4px 0 8px; vertical-align: -1px; }
  .legend canvas { display: inline-block; width: 90px; height: 11px; margin: 0 6px; vertical-align: -1px; }
  .read { display: block; font-size: 14px; font-variant-numeric: tabular-nums; }
  .strip { display: grid; grid-template-columns: 225px 1fr; gap: 10px; align-items: center; margin: 6px 0; }
  .strip > div { position: relative; cursor: crosshair; }
  .strip > div::after { content: ""; position: absolute; inset: 0; pointer-events: none;
    background: repeating-linear-gradient(transparent 0 15px, var(--paper) 15px 18px); }
  .strip span { border-left: 5px solid var(--hue); padding-left: 7px; font-size: 13px; }
  .mark { position: absolute; height: 15px; border: 2px solid var(--ink); box-sizing: border-box; pointer-events: none; z-index: 1; }
  .trouble { border-left: 4px solid #d8232f; padding-left: 8px; }
  @container (max-width: 640px) {
    .boxes { grid-template-columns: 1fr; gap: 3px; } .grid { --row: 44px; gap: 0 6px; } .grid:not(.long) { max-height: none; }
    input, select, button, summary { min-height: 44px !important; } select { width: 100%; font-size: 16px; }
    .examples { flex-wrap: nowrap; overflow-x: auto; margin: 0 -10px 0 -2px; } .choices { display: grid; } .choices > span { display: grid; }
    .more { order: 1; } &:has(.waits) .more { display: none; } .more summary { display: list-item; line-height: 44px; cursor: pointer; }
    .token-card.open { position: absolute; z-index: 3; left: 6px; right: 6px; padding: 8px; background: var(--paper);
      border: 2px solid var(--focus); border-radius: 8px; box-shadow: 0 4px 16px #0006; }
    .token-card.open .close { display: block; float: right; width: 44px; margin: -4px -4px 4px 8px; font-size: 22px; }
    .legend span { white-space: normal; } .grid canvas { width: 100%; } .head { font-size: 10.5px; line-height: 1.2; gap: 0; }
    .head { flex-direction: column; align-items: start; justify-content: end; } .head small { display: block; }
    .line { grid-template-rows: 23px 15px; }
    .n { grid-column: 1 !important; grid-row: 2 !important; font-size: 11px; padding-left: 10px; }
    .segment { justify-self: center; margin-left: 12px; } .position { justify-self: end; } .place { justify-self: start; }
    .n.cosine { grid-column: 5 !important; grid-row: 1 !important; padding: 0; }
    .strip { grid-template-columns: 1fr; gap: 2px; }
  }
}`;

/** An element; what is inside goes in as text or nodes, never as markup. */
function make(tag, attributes = {}, ...inside) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...inside);
  return node;
}

const signed = (number, digits = 4) => number.toFixed(digits).replace("-", "−");
const percent = (share) => `${Math.round(share * 100)}%`;
const quote = (token) => `“${token}”`;
const count = (n, thing) => `${n} ${thing}${n === 1 ? "" : "s"}`;
const cutSaid = (cut) => (cut ? ` The text is longer than this model's ${cut} positions; it is cut after ${cut} tokens.` : "");
const several = (texts, most = 12) => texts.slice(0, most).join("; ") + (texts.length > most ? `; and ${texts.length - most} more` : "");
const listed = ({ tokens, ids }) => `${count(tokens.length, "token")}: ${several(tokens.map((token, i) => `${quote(token)} (${ids[i]})`))}.`;
export const row = (values, i, width) => values.subarray(i * width, (i + 1) * width);
const squared = (values) => values.reduce((sum, value) => sum + value * value, 0);
const lengthOf = (values) => signed(Math.sqrt(squared(values)), 2);
const cosine = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0) / Math.sqrt(squared(a) * squared(b) || 1);

/** Where the colours end: one number in 200 may lie beyond. */
function limitOf(...arrays) {
  const step = Math.ceil(arrays.reduce((sum, one) => sum + one.length, 0) / 20000), sizes = [];
  for (const one of arrays) for (let k = 0; k < one.length; k += step) if (one[k] === one[k]) sizes.push(Math.abs(one[k]));
  return sizes.sort((a, b) => a - b)[Math.floor(0.995 * (sizes.length - 1))] || 1;
}

/** 256 colours, as the pixels of an ImageData. */
function palette(stops) {
  const rgb = stops.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Uint32Array.from({ length: 256 }, (_, step) => {
    const at = (step / 255) * (stops.length - 1), from = Math.min(Math.floor(at), stops.length - 2);
    const [r, g, b] = rgb[from].map((low, k) => Math.round(low + (rgb[from + 1][k] - low) * (at - from)));
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

/** A canvas of `high` x `wide` pixels, each the colour that `colourAt` gives (0 is transparent); CSS stretches it. */
function pixels(high, wide, colourAt, attributes = {}) {
  const canvas = make("canvas", { "aria-hidden": "true", width: wide, height: high, ...attributes });
  const image = new ImageData(wide, high), data = new Uint32Array(image.data.buffer);
  for (let i = 0; i < high; i++) for (let k = 0; k < wide; k++) data[i * wide + k] = colourAt(i, k);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/* What is to be drawn: {rows, columns, shares, width, limits, read, caption, alt, notes}, of one text or of two. */

function passed(seen) {
  const { tokens, ids, types, words, width, stages, sizes, unknown } = seen;
  const limit = limitOf(...PARTS.map((part) => stages[part])), own = limitOf(stages.LayerNorm);
  const shares = tokens.map((_, i) => {
    const lengths = PARTS.map((part) => squared(row(stages[part], i, width)));
    return lengths.map((length) => length / (lengths[0] + lengths[1] + lengths[2] || 1));
  });
  const mean = PARTS.map((_, k) => shares.reduce((sum, one) => sum + one[k], 0) / shares.length), most = Math.max(...mean);
  const parts = (one) => PARTS.map((part, k) => `${part} ${percent(one[k])}`).join(", ");
  const rows = tokens.map((token, i) => ({
    token, unknown: unknown[i] === token ? "" : unknown[i], mark: i > 0 && words[i] !== null && words[i] === words[i - 1] ? "goes-on" : "",
    numbers: { word: ids[i], segment: types[i], position: i },
    name: `${quote(token)} (id ${ids[i]}) at place ${i}`, said: `segment ${types[i]}; ${parts(shares[i])}`,
  }));
  const lookup = (part, i, share) => `, row ${rows[i].numbers[part].toLocaleString("en")} of ${sizes[part].toLocaleString("en")}, ` +
    `length ${lengthOf(row(stages[part], i, width))}, share ${percent(share)}`;
  return {
    rows, shares, width, limits: [["rows and sum", limit], ["after LayerNorm", own]],
    columns: STAGES.map((name, k) => ({
      name, values: stages[name], limit: k < 4 ? limit : own, hue: name, before: ["", "+", "+", "=", "→"][k], room: [46, 16, 30, 0, 0][k],
      told: (i) => (k < 3 ? lookup(name, i, shares[i][k]) : `, length ${lengthOf(row(stages[name], i, width))}`),
    })),
    read(i, k) {
      const [word, segment, position, sum, after] = STAGES.map((stage) => signed(stages[stage][i * width + k]));
      return `word ${word} + segment ${segment} + position ${position} = ${sum}, after LayerNorm ${after}`;
    },
    caption: `${count(tokens.length, "token")}. The ${PARTS[mean.indexOf(most)]} part brings the largest share on average, ` +
      `${percent(most)}.${cutSaid(seen.cut)}`,
    alt: `${listed(seen)} For each token the rows picked from the word, segment and position tables, their sum, and what ` +
      `LayerNorm makes of it, as heat maps. Shares of the squared length, on average: ${parts(mean)}.${cutSaid(seen.cut)}`,
    notes: notes([seen]),
  };
}

/** The tokens that stand in both texts, in the order of the first, then those of one only; and how far apart they are. */
function compared(first, second) {
  const { width } = first, places = {};
  second.tokens.forEach((token, j) => (places[`t${token}`] ??= []).push(j));
  const pairs = first.tokens.map((token, i) => [i, places[`t${token}`]?.shift()]);
  for (const j of Object.values(places).flat().sort((a, b) => a - b)) pairs.push([undefined, j]);
  const sides = [first, second].map(({ stages }, side) => {
    const values = new Float32Array(pairs.length * width).fill(NaN);
    pairs.forEach((pair, line) => pair[side] !== undefined && values.set(row(stages.LayerNorm, pair[side], width), line * width));
    return values;
  });
  sides.push(sides[0].map((value, k) => sides[1][k] - value));
  const names = ["first", "second", "difference"], limit = limitOf(...sides);
  const rows = pairs.map(([i, j], line) => {
    const both = i !== undefined && j !== undefined, seen = i === undefined ? second : first, at = i ?? j, token = seen.tokens[at];
    const near = both ? cosine(row(sides[0], line, width), row(sides[1], line, width)).toFixed(2) : "";
    const said = !both ? `only in the ${i === undefined ? "second" : "first"}` : i === j ? `at place ${i} in both, so the same vector`
      : `at place ${i} and at ${j}: the same word row, another position row, cosine ${near}`;
    return { token, said, unknown: seen.unknown[at], mark: both && i !== j ? "moved" : "", both, name: quote(token),
      numbers: { place: both ? `${i} → ${j}` : at, cosine: both ? `${i === j ? "=" : "≠"} ${near}` : "–" } };
  });
  const [moved, same, only] = [(one) => one.mark, (one) => one.both && !one.mark, (one) => !one.both].map((test) => rows.filter(test));
  const tokens = (list) => several(list.map((one) => quote(one.token))) || "none", cut = cutSaid(first.cut || second.cut);
  return {
    rows, width, limits: [["after LayerNorm", limit]],
    columns: names.map((name, k) => ({
      name, values: sides[k], limit, hue: "sum", before: k === 2 ? "Δ" : "", room: 0,
      told: (i) => (Number.isNaN(sides[k][i * width]) ? ", not there" : `, length ${lengthOf(row(sides[k], i, width))}`),
    })),
    read: (i, k) => names.map((name, side) => `${name} ${signed(sides[side][i * width + k]).replace("NaN", "none")}`).join(", "),
    caption: (moved.length ? `≠ marks what differs: ${tokens(moved).replaceAll("; ", ", ")}. The word row is the same in both; the position row makes the difference.`
      : "No token stands at one place in the first and at another in the second.") + cut,
    alt: `The first: ${listed(first)} The second: ${listed(second)} For each token its vector after the layer in the first, in the second, ` +
      `and their difference, as heat maps. Another vector: ${several(moved.map((one) => `${one.name} ${one.said}`)) || "none"}. ` +
      `The same vector: ${tokens(same)}. In one text only: ${tokens(only)}.${cut}`,
    notes: notes([first, second]),
  };
}

/** What the special tokens of these texts are for. */
function notes(texts) {
  const tokens = new Set(texts.flatMap((seen) => seen.tokens));
  const lines = Object.keys(SAID).filter((token) => tokens.has(token)).map((token) => SAID[token]);
  const unknown = several([...new Set(texts.flatMap((seen) => Object.values(seen.unknown)))].filter((text) => text !== "[UNK]").map(quote), 6);
  if (unknown) lines.push(`[UNK] stands for ${unknown}: the vocabulary has no pieces for it. All unknown words share one row.`);
  if ([...tokens].some((token) => /^##./.test(token))) lines.push("## says: this piece goes on with the word before it.");
  return lines;
}

/** The elements of an explorer by their names; nothing in them does anything yet. */
function frame(models) {
  const id = `explorer-${Math.random().toString(36).slice(2)}`;
  const labelled = (label, name, input) => { input.id = `${id}-${name}`; return [make("label", { for: input.id }, label), input]; };
  const box = (name) => make("input", { type: "text", dir: "auto", autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: name });
  const select = (values) => make("select", {}, ...values.map(([value, text]) => make("option", { value }, text)));
  const button = (text, attributes = {}) => make("button", { type: "button", ...attributes }, text);
  const sentence = box(""), other = box("nothing"), source = select(models.map((name) => [name, name]));
  const use = select([["pair", "as the pair's second segment"], ["compare", "to compare with the first"]]);
  const uses = make("span", {}, ...labelled("Use it", "use", use)), sources = make("span", {}, ...labelled("Model", "model", source));
  const examples = EXAMPLES.map(([label, ...texts]) => button(label, { title: texts.slice(0, 2).filter(Boolean).join(" | ") }));
  const rows = make("div", { class: "rows", role: "listbox", tabindex: "0", "aria-label": "Tokens", "aria-describedby": `${id}-help` });
  const [trouble, status] = ["trouble", "hidden"].map((name) => make("p", { class: name, role: "status" }));
  const grid = make("div", { class: "grid" }), detail = make("div", { class: "detail" }), read = make("output", { class: "read" });
  const close = button("×", { class: "close", "aria-label": "Close" }), card = make("div", { class: "token-card" }, close, read, detail);
  const summary = make("summary"), link = button("Copy a link to this sentence");
  const more = make("details", { class: "more" }, summary,
    make("div", { class: "boxes" }, ...labelled("Second text", "other", other)), make("div", { class: "choices" }, uses, sources, link));
  const caption = make("p", { class: "in-words" }), legend = make("p", { class: "legend" }), list = make("ul");
  const root = make("div", { class: "bert-explorer" }, make("style", {}, CSS),
    make("div", { class: "examples", role: "group", "aria-label": "Examples" }, ...examples),
    make("div", { class: "boxes" }, ...labelled("Sentence", "sentence", sentence)), more, trouble, grid, caption, legend, card, list, status,
    make("p", { id: `${id}-help`, class: "hidden" }, "Up and down: another token. Left and right: another number. Escape: none."));
  return { id, root, sentence, other, use, uses, source, sources, examples, more, summary, link, trouble, grid, rows, caption, legend,
    card, close, read, detail, list, status };
}

class Explorer {
  constructor(el, sources, options) {
    const names = Object.keys(sources);
    Object.assign(this, { el, sources, options, shown: names[0], busy: false, again: false, controller: new AbortController() });
    this.state = { sentence: "today is a good day", other: "", use: "pair", ...options, source: names[0], followed: -1, number: 0 };
    this.parts = frame(names);
    this.parts.sources.hidden = names.length < 2;
    this.parts.link.hidden = !options.address;
    const { root, grid } = this.parts;
    const still = [...el.childNodes].filter((node) => node.matches?.(".still")); // until there is something to draw
    grid.append(...still);
    grid.classList.toggle("waits", still.length > 0);
    el.replaceChildren(root);
    this.fit();
    this.hear();
    this.watch();
    this.update();
  }

  say(text) {
    Object.assign(this.parts.trouble, { textContent: text, hidden: !text });
  }

  /** Whether there is room for the numbers of the rows beside the maps; without, what is used less is folded away. */
  fit() {
    const { root, more } = this.parts, roomy = root.clientWidth > 662;
    this.across = root.clientWidth;
    if (roomy !== this.roomy) more.open = roomy;
    this.roomy = roomy;
  }

  /** Put other texts into the boxes. */
  type(texts) {
    Object.assign(this.state, texts, { followed: -1 });
    this.update();
  }

  /** Show what is typed now in the boxes, and have its numbers drawn; what is typed meanwhile comes next. */
  update() {
    const { state, parts, options } = this, { sentence, other, use } = state;
    for (const key of ["sentence", "other", "use", "source"]) if (parts[key].value !== state[key]) parts[key].value = state[key];
    parts.uses.hidden = !other;
    parts.summary.textContent = other ? `Second text: ${quote(other)}` : `Second text${parts.sources.hidden ? "" : ", model"}`;
    options.changed?.({ sentence, other, use });
    this.again = true;
    if (!this.busy) this.done = this.askAgain();
  }

  async askAgain() {
    for (this.busy = true; this.again; ) {
      this.again = false;
      await this.ask();
    }
    this.busy = false;
  }

  /** Ask the source for the numbers of what is typed now, and draw them. */
  async ask() {
    const { state, sources, parts } = this, { source, sentence, other, use } = state, comparing = use === "compare" && other;
    this.controller = new AbortController();
    const { signal } = this.controller, late = setTimeout(() => this.say(`Waiting for ${sources[source].where ?? "the numbers"} …`), 700);
    const tell = (text) => { clearTimeout(late); this.say(text); };
    const numbers = (text, pair) => sources[source].numbers(text, pair, { signal, tell });
    try {
      const first = await numbers(sentence, comparing ? "" : other), second = comparing && (await numbers(comparing, ""));
      clearTimeout(late);
      if (signal.aborted) return;
      this.say("");
      this.shown = source;
      this.view = second ? compared(first, second) : passed(first);
      if (state.followed >= this.view.rows.length) state.followed = -1;
      this.draw();
    } catch (error) {
      clearTimeout(late);
      if (signal.aborted) return;
      this.say(source === this.shown ? error.message : `${source} is out of reach: ${error.message} Shown is still ${this.shown}.`);
      state.source = parts.source.value = this.shown;
    }
  }

  colour({ values, limit }, at) {
    return values[at] === values[at] ? this.colours[Math.round((Math.max(-1, Math.min(1, values[at] / limit)) + 1) * 127.5)] : 0;
  }

  draw() {
    const { view, parts, state } = this, { root, grid, rows, caption, legend, list, status } = parts;
    this.fit();
    root.classList.toggle("dark", this.dark());
    this.colours = palette(COLOURS[this.dark() ? "dark" : "light"]);
    rows.replaceChildren(...view.rows.map((one, i) => this.line(one, i)));
    grid.classList.remove("waits");
    this.lay();
    caption.textContent = view.caption;
    legend.replaceChildren(...this.scales());
    list.replaceChildren(...view.notes.map((note) => make("li", {}, note)));
    this.follow(state.followed);
    clearTimeout(this.resting); // said aloud once the typing rests
    this.resting = setTimeout(() => { status.textContent = view.alt; }, 600);
    root.dataset.drawn = Number(root.dataset.drawn ?? 0) + 1;
  }

  /** The maps beside one another, each as wide as every other, below their heads and under the lines of the tokens. */
  lay() {
    const { across, roomy, view, parts } = this, { columns, shares } = view, high = view.rows.length;
    const beside = across > 760 ? 136 : roomy ? 108 : 84, each = Math.max(20, (across - beside - (roomy ? 204 : 56)) / 6);
    parts.grid.classList.toggle("long", high > 24);
    parts.grid.style.cssText = `--rows: ${high}; grid-template-columns: ${beside}px ` +
      columns.map(({ room }) => `minmax(0, ${each + (roomy ? room : 0)}fr)`).join(" ") + (shares ? ` minmax(min-content, ${each}fr)` : " 62px");
    const head = (name, before = "", hue = "line") => make("div", { class: "head", style: `--hue: var(--${hue})` },
      ...(before ? [make("b", {}, before)] : []), each > 88 ? name : name.replace(/(?<=Layer|seg|posi|differ)(?=Norm|ment|tion|ence)/, "\u00ad"));
    const first = head("token");
    if (shares) first.append(make("small", {}, "id, segment, place"));
    parts.grid.replaceChildren(first, ...columns.map(({ name, before, hue }) => head(name, before, hue)), head(shares ? "shares" : "cosine"),
      ...this.maps(), parts.rows);
  }

  /** A map of each column's first numbers, and the shares as bars. */
  maps() {
    const { columns, shares, width, rows: { length: high } } = this.view;
    const maps = columns.map((column, k) => pixels(high, Math.min(CELLS, width), (i, n) => this.colour(column, i * width + n),
      { style: `grid-column: ${k + 2}; --room: ${column.room}px` }));
    if (!shares) return maps;
    const style = getComputedStyle(this.parts.root);
    const [a, b, c] = PARTS.map((part) => palette(Array(2).fill(style.getPropertyValue(`--${part}`).trim()))[0]);
    const bar = ([word, segment], k) => (k + 0.5 < 100 * word ? a : k + 0.5 < 100 * (word + segment) ? b : c);
    return [...maps, pixels(high, 100, (i, k) => bar(shares[i], k), { class: "shares", style: `grid-column: ${columns.length + 2}` })];
  }

  /** What the colours stand for. */
  scales() {
    const { width, limits, shares } = this.view, scale = () => pixels(1, 256, (_, k) => this.colours[k]);
    return [`First ${Math.min(CELLS, width)} of ${width} numbers.`,
      ...limits.map(([name, limit]) => make("span", {}, `${name} ${signed(-limit, 2)}`, scale(), signed(limit, 2))),
      ...(shares ? [make("span", {}, "shares", ...PARTS.flatMap((part) => [make("i", { style: `background: var(--${part})` }), part]))] : [])];
  }

  line(one, i) {
    const token = make("span", { class: `token ${one.mark}`, title: one.token, dir: "ltr", "aria-hidden": "true" }, one.token);
    if (one.unknown) token.append(" ", make("small", {}, quote(one.unknown)));
    const numbers = Object.entries(one.numbers).map(([part, number]) =>
      make("span", { class: `n ${part}`, "aria-hidden": "true", style: `grid-row: 1; grid-column: ${COLUMN[part]}` }, `${number}`));
    return make("div", { class: "line", role: "option", id: `${this.parts.id}-${i}`, "aria-selected": "false" },
      make("span", { class: "hidden" }, `${one.name}, ${one.said}`), token, ...numbers);
  }

  /** Show all numbers of one token; -1 for none. */
  follow(index) {
    const { view, state, parts } = this, { rows, read, detail, card } = parts;
    state.followed = index;
    rows.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    rows.removeAttribute("aria-activedescendant");
    detail.replaceChildren();
    card.classList.toggle("open", index >= 0);
    read.textContent = `Pick a token, by a click or with the arrow keys, to see all of its ${view.width} numbers.`;
    if (index < 0) return;
    const chosen = rows.children[index], one = view.rows[index];
    chosen.setAttribute("aria-selected", "true");
    rows.setAttribute("aria-activedescendant", chosen.id);
    if (document.activeElement === rows) chosen.scrollIntoView({ block: "nearest" });
    detail.append(make("p", {}, make("b", {}, one.name), `: ${one.said}. All ${view.width} numbers:`), ...this.strips(index));
    this.beside(chosen);
    this.point(index, Math.min(state.number, view.width - 1));
  }

  /** Where there is no room, the numbers of a token stand right below it. */
  beside(chosen) {
    const { root, card } = this.parts;
    card.style.top = `${chosen.getBoundingClientRect().bottom - root.getBoundingClientRect().top}px`;
  }

  /** All numbers of a token, in lines, a strip for each column. */
  strips(index) {
    const { view, across } = this, { width, columns } = view;
    const lines = Math.ceil((width * 3) / Math.max(200, across - (across < 660 ? 40 : 260))), wide = Math.ceil(width / lines);
    this.wide = wide;
    return columns.map((column) => {
      const at = (i, k) => (i * wide + k < width ? this.colour(column, index * width + i * wide + k) : 0);
      const strip = make("div", {}, pixels(lines, wide, at, { style: `height: ${lines * 18}px` }), make("div", { class: "mark" }));
      strip.onmousemove = (event) => {
        const area = strip.getBoundingClientRect(), k = Math.floor(((event.clientX - area.left) / area.width) * wide);
        this.point(index, k + wide * Math.floor(((event.clientY - area.top) / area.height) * lines));
      };
      return make("div", { class: "strip", style: `--hue: var(--${column.hue})` },
        make("span", {}, make("b", {}, column.name), column.told(index)), strip);
    });
  }

  /** Read out number `k` of a token, and mark it if that token is the one followed. */
  point(index, k) {
    const { view, state, parts, wide } = this;
    if (!(k >= 0 && k < view.width)) return;
    parts.read.textContent = `Number ${k} of ${quote(view.rows[index].token)}: ${view.read(index, k)}.`;
    if (index !== state.followed) return;
    state.number = k;
    for (const mark of parts.detail.querySelectorAll(".mark")) mark.style.cssText = `left: calc(${((k % wide) * 100) / wide}% - 2px); ` +
      `width: calc(${100 / wide}% + 4px); top: ${Math.floor(k / wide) * 18}px`;
  }

  /** Do what a person asks for. */
  hear() {
    const { state, parts, options } = this, { root, sentence, other, use, source, rows, link } = parts;
    // What is typed here is not JupyterLab's, which would take `d d` for deleting the cell.
    root.addEventListener("keydown", (event) => event.stopPropagation());
    for (const [input, key] of [[sentence, "sentence"], [other, "other"]]) input.oninput = () => { state[key] = input.value; this.update(); };
    // Above a phone's keyboard there is room for the box and the picture, if the box stands at the top.
    sentence.onfocus = () => {
      if (this.roomy) return;
      if (this.view) this.follow(-1);
      setTimeout(() => sentence.parentNode.scrollIntoView({ behavior: "smooth" }), 300);
    };
    use.onchange = () => this.type({ use: use.value });
    source.onchange = () => { state.source = source.value; this.controller.abort(); this.update(); };
    parts.examples.forEach((button, n) => {
      const [, sentence, other, use] = EXAMPLES[n];
      button.onclick = () => this.type({ sentence, other, use });
    });
    link.onclick = async () => {
      const copied = await options.address({ sentence: state.sentence, other: state.other, use: state.use });
      await this.done; // what is drawn meanwhile clears the line
      this.say(copied ? "The link is copied." : "The link stands in the browser's address line.");
    };
    parts.close.onclick = () => this.follow(-1);
    parts.grid.onscroll = () => state.followed >= 0 && this.beside(rows.children[state.followed]);
    const lineOf = (event) => [...rows.children].indexOf(event.target.closest(".line"));
    rows.onclick = (event) => {
      const index = lineOf(event), again = index === state.followed;
      if (index < 0) return;
      this.follow(again && !this.roomy ? -1 : index);
      if (!again && !this.roomy) rows.children[index].scrollIntoView({ behavior: "smooth" });
    };
    rows.onkeydown = (event) => { if (this.key(event)) event.preventDefault(); }; // to return false would keep Tab in the list, too
    rows.onmousemove = (event) => {
      for (const canvas of parts.grid.querySelectorAll("canvas:not(.shares)")) {
        const area = canvas.getBoundingClientRect(), k = Math.floor(((event.clientX - area.left) / area.width) * canvas.width);
        if (lineOf(event) >= 0 && k < canvas.width) this.point(lineOf(event), k);
      }
    };
  }

  /** Go where a key says; returns whether it says anything. */
  key(event) {
    const { view, state } = this, last = view.rows.length - 1, { followed, number } = state, within = (at, end) => Math.max(0, Math.min(end, at));
    const to = { ArrowDown: followed + 1, ArrowUp: followed - 1, PageDown: followed + 10, PageUp: followed - 10, Home: 0, End: last }[event.key];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (to !== undefined) this.follow(within(to, last));
    else if (event.key === "Escape") this.follow(-1);
    else if (step && followed >= 0) this.point(followed, within(number + step, view.width - 1));
    else return false;
    return true;
  }

  /** Whether the place we stand in is dark: whether its writing is light. */
  dark() {
    const [r, g, b] = (getComputedStyle(this.el).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
    return 0.3 * r + 0.6 * g + 0.1 * b > 128;
  }

  /** Draw again when the place becomes dark or light, wider or narrower. */
  watch() {
    const { root } = this.parts, scheme = matchMedia("(prefers-color-scheme: dark)");
    const shade = () => setTimeout(() => this.view && this.dark() !== root.classList.contains("dark") && this.draw(), 50);
    const watch = new MutationObserver(shade), size = new ResizeObserver(() => {
      if (root.clientWidth === this.across) return;
      if (this.view) this.draw();
      else this.fit();
    });
    for (const node of [document.documentElement, document.body]) watch.observe(node, { attributes: true });
    size.observe(root);
    scheme.addEventListener("change", shade);
    root.classList.toggle("dark", this.dark());
    this.end = () => { watch.disconnect(); size.disconnect(); scheme.removeEventListener("change", shade); this.controller.abort(); };
  }
}

/** Put the explorer into `el`; a child of class `still` stands there until there is something to draw. `sources` {name: source},
 * the first one to begin with; `options` are sentence, other, use ("pair" or "compare"), `changed`, which is called with these
 * three, and `address`, which is called with them to make and copy a link, and returns whether it is copied. Returns an object
 * with `type`, which puts other texts into the boxes, and `end`. */
export const mount = (el, sources, options = {}) => new Explorer(el, sources, options);

/** In a notebook, as anywidget calls it: the kernel is asked for the numbers of each text. */
export default {
  render({ model, el }) {
    const me = Math.random().toString(36), waiting = {};
    let asked = 0;
    const hear = ({ to, error, ...seen }, buffers) => {
      if (!waiting[to]) return; // asked by another view of this widget
      const [resolve, reject] = waiting[to];
      delete waiting[to];
      if (error) return reject(new Error(error));
      const { buffer, byteOffset, byteLength } = buffers[0], all = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
      const stages = STAGES.map((stage, k) => [stage, row(all, k, seen.tokens.length * seen.width)]);
      resolve({ ...seen, stages: Object.fromEntries(stages) });
    };
    const numbers = (text, pair) => new Promise((...ends) => {
      waiting[`${me} ${++asked}`] = ends;
      model.send({ ask: `${me} ${asked}`, text, pair });
    });
    model.on("msg:custom", hear);
    const explorer = mount(el, { [model.get("name")]: { numbers, where: "the kernel" } }, {
      ...Object.fromEntries(["sentence", "other", "use"].map((key) => [key, model.get(key)])),
      changed: (now) => { for (const [key, value] of Object.entries(now)) model.set(key, value); model.save_changes(); },
    });
    return () => { explorer.end(); model.off("msg:custom", hear); };
  },
};
