/* Type a word, and see which rows of the word table lie nearest to its own: from a list that docs/explorer_data.py has made. */

import { tokenizer } from "./explorer_page.js";

/** The tokens of a text, and for each id its nearest rows; from the files in the folder `base`. */
async function company(base) {
  const ask = fetch(new URL("neighbours.bin", base));
  const [cut, data] = await Promise.all([tokenizer(base), ask.then((answer) => answer.ok ? answer.arrayBuffer() : Promise.reject())]);
  const [each, random] = new Uint16Array(data, 0, 2), { vocabulary } = cut, size = vocabulary.length * each;
  const ids = new Uint16Array(data, 4, size), cosines = new Uint8Array(data, 4 + 2 * size, size);
  const nearest = (id) => Array.from({ length: each }, (_, k) => ({ token: vocabulary[ids[id * each + k]], cosine: cosines[id * each + k] / 100 }));
  return { random: random / 100, look: (text) => {
    const { tokens, ids } = cut(text, "", 8);
    return tokens.map((token, place) => ({ token, nearest: nearest(ids[place]) })).slice(1, -1);
  } };
}

/** Make the box in `el` answer; its `output` takes what is found. */
export function neighbours(el, base = new URL(".", import.meta.url)) {
  const [input, output] = ["input", "output"].map((name) => el.querySelector(name));
  let loaded;
  const make = (tag, text, ...inside) => { const node = document.createElement(tag); node.append(text, ...inside); return node; };
  const bar = ({ token, cosine }) => {
    const name = make("button", token), line = make("span", "");
    name.onclick = () => { input.value = token.replace("##", ""); show(); };
    line.style.width = `${100 * cosine}%`;
    return make("li", name, make("span", line), cosine.toFixed(2));
  };
  async function show() {
    if (!loaded) output.textContent = "The list is on its way (0.7 MB) …";
    try {
      const { look, random } = await (loaded ??= company(base)), found = look(input.value);
      const said = found.length > 1 ? `${found.length} tokens, each with a row of its own. ` : "";
      output.replaceChildren(
        ...found.map(({ token, nearest }) => make("div", make("p", `Nearest to “${token}”`), make("ol", "", ...nearest.map(bar)))),
        ...(found.length ? [make("p", `${said}Two rows taken at random have a cosine of ${random.toFixed(2)} on average.`)] : []));
    } catch {
      loaded = null;
      output.textContent = "The list does not load.";
    }
  }
  input.oninput = show;
  input.disabled = false;
}
