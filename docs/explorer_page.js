/* The explorer in a web page, where nothing is installed: the browser itself cuts the text into tokens, reads the rows they
name from a safetensors file by HTTP Range, and adds them as the layer does. */

import { mount, row, STAGES } from "./explorer.js";

const PARTS = STAGES.slice(0, 3);
const HUB = "https://huggingface.co/google-bert/bert-base-uncased/resolve/" +
  "86b5e0934494bd15c9632b12f734a8a67f723594/model.safetensors";

const SPECIAL = /(\[(?:PAD|UNK|CLS|SEP|MASK)\])/;
const DROPPED = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u;
const CHINESE = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/u;
const ALONE = /[!-/:-@[-`{-~\p{P}]/u;
const LONGEST = 100; // characters of a word; a longer one is [UNK]

/** The words of `text` as BERT's tokenizer makes them: lower case, without accents; {word, from, to}, and where in `text` it stands. */
function* wordsOf(text) {
  let at = 0;
  for (const [n, part] of text.split(SPECIAL).entries()) {
    if (n % 2) yield { word: part, from: at, to: at + part.length, special: true };
    else yield* plainWords(part, at);
    at += part.length;
  }
}

function* plainWords(text, at) {
  let word = "", from, to;
  for (const typed of text) {
    const start = at, end = (at += typed.length);
    if (DROPPED.test(typed)) continue;
    for (const c of typed.normalize("NFD").replace(/\p{Mn}/gu, "")) {
      const alone = CHINESE.test(typed) || ALONE.test(c), space = /\s/.test(c);
      if (word && (alone || space)) { yield { word, from, to }; word = ""; }
      if (space) continue;
      if (alone) { yield { word: c.toLowerCase(), from: start, to: end }; continue; }
      if (!word) from = start;
      word += c.toLowerCase();
      to = end;
    }
  }
  if (word) yield { word, from, to };
}

/** The longest piece from the left that is in the vocabulary, then the longest of the rest, and so on; [UNK] if one is missing. */
function piecesOf(word, ids) {
  const letters = Array.from(word), pieces = [];
  if (letters.length > LONGEST) return ["[UNK]"];
  for (let from = 0, to; from < letters.length; from = to) {
    const piece = () => (from ? "##" : "") + letters.slice(from, to).join("");
    for (to = letters.length; to > from && !ids.has(piece()); ) to--;
    if (to === from) return ["[UNK]"];
    pieces.push(piece());
  }
  return pieces;
}

/** bert-base-uncased's way to cut a text, or a pair, to at most `most` tokens; its vocabulary, which it has as a list, is in the
 * folder `base`. */
export async function tokenizer(base) {
  const answer = await fetch(new URL("vocabulary.txt", base));
  if (!answer.ok) throw new Error(answer.status);
  const vocabulary = (await answer.text()).split("\n"), ids = new Map(vocabulary.map((token, id) => [token, id]));
  const cut = (text, enough = Infinity) => {
    const pieces = [];
    let n = 0;
    for (const { word, from, to, special } of wordsOf(text)) {
      if (pieces.length > enough) break;
      for (const token of special ? [word] : piecesOf(word, ids)) pieces.push({ token, word: n, typed: text.slice(from, to) });
      n++;
    }
    return pieces;
  };
  const cutToMost = (text, pair, most) => {
    const room = most - (pair ? 3 : 2), [a, b] = pair ? [cut(text), cut(pair)] : [cut(text, room), []];
    let [n, m] = [a.length, b.length];
    const over = n + m > room;
    if (over && pair) { // the longer one gives first
      const short = Math.min(n, m, Math.floor(room / 2));
      [n, m] = n <= m ? [short, room - short] : [room - short, short];
    }
    const special = (token) => ({ token, word: null });
    const segments = [[special("[CLS]"), ...a.slice(0, over && !pair ? room : n), special("[SEP]")], pair ? [...b.slice(0, m), special("[SEP]")] : []];
    const all = segments.flat(), unknown = all.map(({ token, typed }, place) => [place, token === "[UNK]" && typed]).filter(([, typed]) => typed);
    return {
      tokens: all.map(({ token }) => token), ids: all.map(({ token }) => ids.get(token)), words: all.map(({ word }) => word),
      types: segments.flatMap((part, type) => part.map(() => type)), cut: over ? most : 0, unknown: Object.fromEntries(unknown),
    };
  };
  return Object.assign(cutToMost, { vocabulary });
}

/** Reads bytes `from` to `to` of a file and no more, if the server can; else the whole file, once, and `tell` how far it is.
 * Rejects when nothing comes for `patience` milliseconds. */
function ranges(address, patience) {
  let whole = null;
  return async (from, to, { signal, tell }) => {
    if (whole) return whole.slice(from, to);
    const ending = new AbortController(), end = () => ending.abort();
    let timer = setTimeout(end, patience);
    signal?.addEventListener("abort", end);
    try {
      const answer = await fetch(address, { headers: { Range: `bytes=${from}-${to - 1}` }, signal: ending.signal });
      if (!answer.ok) throw new RangeError(`${address.host} answers ${answer.status}.`);
      const size = Number(answer.headers.get("content-length")), chunks = [], reader = answer.body.getReader();
      for (let got = 0, next; !(next = await reader.read()).done; ) {
        clearTimeout(timer);
        timer = setTimeout(end, patience);
        chunks.push(next.value);
        got += next.value.length;
        const told = size ? `${Math.round(got / 1e6)} of ${Math.round(size / 1e6)} MB` : `${Math.round(got / 1e6)} MB`;
        if (answer.status === 200) tell?.(`${address.host} sends the whole file, once: ${told} …`);
      }
      const bytes = await new Blob(chunks).arrayBuffer();
      if (answer.status === 206) return bytes;
      whole = bytes;
      return whole.slice(from, to);
    } catch (error) {
      throw error instanceof RangeError ? error : new Error(`${address.host} does not answer.`);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
    }
  };
}

/** A source that reads the embedding tables in the safetensors file at `address` (URL); `words()` gives its tokenizer. */
export function files(address, words, patience = 10_000) {
  let bytes, opened;
  const known = Object.fromEntries([...PARTS, "gain", "shift"].map((table) => [table, new Map()]));

  async function open(how) {
    bytes = ranges(address, patience);
    let start = await bytes(0, 4096, how);
    const length = start.byteLength > 8 ? Number(new DataView(start).getBigUint64(0, true)) : 0;
    if (length < 2 || length > 1e7) throw new Error(`${address.host} sends something else than a safetensors file.`);
    if (start.byteLength < 8 + length) start = await bytes(0, 8 + length, how);
    const header = JSON.parse(new TextDecoder().decode(start.slice(8, 8 + length)));
    const find = (pattern) => {
      const name = Object.keys(header).find((name) => new RegExp(`^(bert\\.)?embeddings\\.${pattern}$`).test(name));
      if (header[name]?.dtype !== "F32") throw new Error(`${address.host} sends a file without float32 embeddings.`);
      return { shape: header[name].shape, at: 8 + length + header[name].data_offsets[0] };
    };
    const tables = { word: find("word_embeddings.weight"), segment: find("token_type_embeddings.weight"), position: find("position_embeddings.weight") };
    const width = tables.word.shape[1];
    const norm = { gain: find("LayerNorm\\.(weight|gamma)"), shift: find("LayerNorm\\.(bias|beta)") };
    for (const [name, { at }] of Object.entries(norm)) tables[name] = { at, shape: [1, width] };
    return { tables, width, eps: Number(header.__metadata__?.eps ?? 1e-12) };
  }

  /** Make the rows of a table known; those near one another in the file come together. */
  async function learn({ tables, width }, part, wanted, how) {
    const missing = [...new Set(wanted)].filter((index) => !known[part].has(index)).sort((a, b) => a - b), runs = [];
    for (const index of missing) {
      if (runs.length && index - runs.at(-1)[1] <= 8) runs.at(-1)[1] = index;
      else runs.push([index, index]);
    }
    await Promise.all(runs.map(async ([first, last]) => {
      const start = tables[part].at + 4 * width * first;
      const data = new Float32Array(await bytes(start, start + 4 * width * (last - first + 1), how));
      for (let index = first; index <= last; index++) known[part].set(index, row(data, index - first, width));
    }));
  }

  async function numbers(text, pair, how = {}) {
    let cut, file;
    try {
      [cut, file] = await Promise.all([words(), (opened ??= open(how))]);
    } catch (error) {
      opened = null; // ask again the next time
      throw error;
    }
    const { width, eps, tables } = file, seen = cut(text, pair, tables.position.shape[0]);
    const wanted = { word: seen.ids, segment: seen.types, position: seen.ids.map((_, place) => place) };
    await Promise.all(Object.keys(known).map((table) => learn(file, table, wanted[table] ?? [0], how)));
    const [weight, bias] = [known.gain.get(0), known.shift.get(0)];
    const stages = Object.fromEntries(STAGES.map((stage) => [stage, new Float32Array(seen.ids.length * width)]));
    for (const part of PARTS) wanted[part].forEach((index, i) => stages[part].set(known[part].get(index), i * width));
    const { word, segment, position, sum, LayerNorm } = stages;
    // float32 after each addition, in the layer's own order: the same bits as torch's
    for (let k = 0; k < sum.length; k++) sum[k] = Math.fround(word[k] + segment[k]) + position[k];
    for (let i = 0; i < seen.ids.length; i++) {
      const one = row(sum, i, width), mean = one.reduce((all, x) => all + x, 0) / width;
      const spread = Math.sqrt(one.reduce((all, x) => all + (x - mean) ** 2, 0) / width + eps);
      for (let k = 0; k < width; k++) LayerNorm[i * width + k] = ((one[k] - mean) / spread) * weight[k] + bias[k];
    }
    return { ...seen, width, stages, sizes: Object.fromEntries(PARTS.map((part) => [part, tables[part].shape[0]])) };
  }
  return { numbers, where: address.host };
}

/** The texts that an address names which ends in `#a=dog bites man&b=man bites dog&use=compare`; null if it names none. */
function named(hash) {
  const asked = new URLSearchParams(hash.slice(1));
  const use = asked.get("use") === "compare" ? "compare" : "pair";
  return asked.has("a") ? { sentence: asked.get("a"), other: asked.get("b") ?? "", use } : null;
}

/** Have the page's address name these texts, and copy it; returns whether the browser lets us. */
async function copyAddress({ sentence, other, use }) {
  history.replaceState(null, "", `#${new URLSearchParams({ a: sentence, ...(other && { b: other, use }) })}`);
  try {
    await navigator.clipboard.writeText(location.href);
    return true;
  } catch {
    return false;
  }
}

/** Put the explorer into the element `el`, with the texts that the page's address names. `base` is the folder of the data, `hub`
 * the address of the published file, `patience` the milliseconds without an answer that mean there is none; the other options
 * are `mount`'s. Returns what `mount` returns. */
export function page(el, { base = new URL(".", import.meta.url), hub = HUB, patience, ...options } = {}) {
  let loaded;
  const words = () => (loaded ??= tokenizer(base).catch(() => { loaded = null; throw new Error("The vocabulary does not load."); }));
  const from = (address) => files(new URL(address, base), words, patience);
  const sources = { "all-MiniLM-L6-v2": from("embeddings.safetensors"), "bert-base-uncased": from(hub) };
  const explorer = mount(el, sources, { address: copyAddress, ...options, ...named(location.hash) });
  addEventListener("hashchange", () => named(location.hash) && explorer.type(named(location.hash)));
  return explorer;
}

/** Have the browser keep the bundled model's rows, all of them, for docs/service_worker.js to answer with; said on `button`. */
export async function keepRows(button) {
  const said = (text, disabled) => Object.assign(button, { textContent: text, disabled });
  said("Fetching all rows …", true);
  try {
    await (await caches.open("rows")).add(new URL("embeddings.safetensors", import.meta.url));
    said("All rows are here.", true);
  } catch {
    said("The rows did not come. Try again", false);
  }
}
