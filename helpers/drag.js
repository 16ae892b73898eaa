/* A token of two numbers, as arrows, or of three, as bars, on its way through LayerNorm: its reader moves it, gamma, beta and eps.

`mount` draws into an element, beginning with `data` from helpers/moving.py, in a notebook (the default export is what
anywidget calls) and in a web page. */

const ORDER = ["first", "second", "third"], BAR = 1.1, END = 8; // a bar's room; the plane of the bars goes from -END to END
const CSS = `
.drag-now { container-type: inline-size; max-width: 900px; box-sizing: border-box; margin: .5em 0; padding: 10px;
  border: 1px solid #c8c8c8; border-radius: 8px; background: #fff; color: #161616; font: 15px/1.4 system-ui, sans-serif;
  display: grid; grid-template-columns: 1fr 1fr; gap: 4px 20px;
  > div + div { display: grid; grid-template-columns: repeat(var(--wide), 1fr); gap: 0 14px; align-content: start; align-items: end; }
  label { display: block; margin: 0; line-height: 1.15; } label:last-child { grid-column: 1 / -1; } input { display: block; width: 100%; height: 44px; margin: 0; accent-color: #0d3b8c; }
  :focus-visible { outline: 3px solid #1d6fd8; outline-offset: -3px; }
  svg { display: block; width: 100%; border: 1px solid #c4c4c4; box-sizing: border-box; } svg.plane { touch-action: none; cursor: crosshair; }
  p { margin: .4em 0; grid-column: 1 / -1; min-height: 2.8em; font: inherit; }
  .kinds { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 14px; }
  .kinds span { border-left: 14px solid; padding-left: 4px; line-height: 1.2; }
  @container (max-width: 600px) { > div { grid-column: 1 / -1; } > div + div, .kinds { order: 1; } p { min-height: 5.6em; }
    > div + div { grid-template-columns: repeat(var(--narrow), 1fr); } }
}`;

const say = (number) => String(Number(number.toFixed(2))).replace("-", "−");
const sayEps = (eps) => String(eps).replace("-", "−"); // down to 1e-12
const vector = (numbers) => `[${numbers.map(say).join(", ")}]`;

/** LayerNorm, step by step. */
function steps({ x, gamma, beta, eps }) {
  const middle = (numbers) => numbers.reduce((sum, one) => sum + one) / numbers.length;
  const mean = middle(x), centred = x.map((one) => (Math.abs(one - mean) < 1e-9 ? 0 : one - mean)), variance = middle(centred.map((one) => one ** 2));
  const normalised = centred.map((one) => one / Math.sqrt(variance + eps));
  return { mean, variance, vectors: [x, centred, normalised, normalised.map((one, n) => gamma[n] * one + beta[n])] };
}

const line = (look) => `<path fill="none" stroke-linecap="round" ${look}/>`;

/** Two numbers: an arrow for each vector, and a dashed line from tip to tip. */
const arrows = {
  drawn: (colours) => line('stroke="#5a5a5a" stroke-width=".06" stroke-dasharray=".2 .16"') + colours.map((colour) => `<g>${line(`stroke="${colour}" stroke-width=".12"`)}<circle r=".24" fill="${colour}"/></g>`).join(""),
  move: ([way, ...each], vectors) => {
    way.setAttribute("d", `M${vectors.map(([x, y]) => `${x} ${-y}`).join("L")}`);
    each.forEach((arrow, n) => {
      arrow.style.display = vectors[n] ? "" : "none";
      if (!vectors[n]) return;
      const [x, y] = vectors[n];
      arrow.firstChild.setAttribute("d", `M0 0L${x} ${-y}`);
      arrow.lastChild.setAttribute("transform", `translate(${x} ${-y})`);
    });
  },
  pulled: (x, across, up) => { x[0] = across; x[1] = up; },
};

/** Three numbers: three bars for each vector, and the token's mean as a dashed line. Of 6, 6 and -6 the last is 8 below the mean. */
const bars = {
  drawn: (colours) => line('stroke="#5a5a5a" stroke-width=".06" stroke-dasharray=".2 .16"') + colours.map((colour) => `<g fill="${colour}">${"<rect/>".repeat(3)}</g>`).join(""),
  move: ([way, ...each], vectors, mean) => {
    way.setAttribute("d", `M${-END} ${-mean}h${3 * BAR + 0.5}`);
    each.forEach((three, n) => [...three.children].forEach((bar, which) => {
      const height = vectors[n]?.[which] ?? 0;
      for (const [name, of] of Object.entries({ x: 4 * n - END + 0.4 + BAR * which, y: Math.min(0, -height), width: BAR - 0.2, height: Math.abs(height) })) bar.setAttribute(name, of);
    }));
  },
  pulled: (x, across, up) => { x[Math.max(0, Math.min(2, Math.floor((across + END - 0.4) / BAR)))] = up; },
};

/** Draw into `el` a token `data.x` with `data.gamma`, `data.beta`, `data.eps`, one of `data.choices`; `data.kinds` are names and colours
 * of the arrows, and `data.ends` how far a slider goes. */
export function mount(el, data) {
  const root = document.createElement("div"), now = { x: [...data.x], gamma: [...data.gamma], beta: [...data.beta], eps: data.eps };
  const { ends, choices } = data, kind = now.x.length === 2 ? arrows : bars, end = kind === arrows ? ends.x : END;
  const box = (name, min, max, step) => `<label>${name} <b></b><input data-lm-suppress-shortcuts type="range" min="${min}" max="${max}" step="${step}"></label>`;
  const boxes = [["x", "a token", 0.5], ["gamma", "gamma", 0.1], ["beta", "beta", 0.1]].flatMap(([of, name, step]) => now[of].map((_, n) => box(`${name}, ${ORDER[n]}:`, -ends[of], ends[of], step)));
  root.className = "drag-now";
  root.innerHTML = `<style>${CSS}</style><div><svg class="plane" viewBox="${-end} ${-end} ${2 * end} ${2 * end}" aria-hidden="true">
      <path d="M${-end} 0H${end}${kind === arrows ? `M0 ${-end}V${end}` : ""}" stroke="#c4c4c4" stroke-width=".04"/>
      ${kind.drawn(data.kinds.map(([, colour]) => colour))}</svg></div>
    <div style="--wide: ${now.x.length === 2 ? 1 : 3}; --narrow: ${now.x.length}">${boxes.join("")}${box("eps:", 0, choices.length - 1, 1)}</div><p role="status"></p>
    <div class="kinds">${data.kinds.map(([, colour]) => `<span style="border-color: ${colour}"></span>`).join("")}</div>`;
  root.querySelectorAll(".kinds span").forEach((span, n) => span.append(data.kinds[n][0]));
  const plane = root.querySelector(".plane"), inputs = [...root.querySelectorAll("input")];
  const places = [now.x, now.gamma, now.beta].flatMap((of) => of.map((_, n) => [of, n]));

  function show() {
    const { mean, variance, vectors } = steps(now), lost = vectors[2].some(Number.isNaN);
    places.forEach(([of, n], at) => { inputs[at].value = of[n]; });
    inputs.at(-1).value = choices.indexOf(now.eps);
    for (const [at, input] of inputs.entries()) {
      const told = at < places.length ? say(places[at][0][places[at][1]]) : sayEps(now.eps);
      input.previousElementSibling.textContent = told;
      input.setAttribute("aria-valuetext", told);
    }
    kind.move([...plane.children].slice(1), lost ? vectors.slice(0, 2) : vectors, mean);
    root.querySelector("p").textContent = `${vector(vectors[0])} minus its mean ${say(mean)} is ${vector(vectors[1])}. ` + (lost
      ? "Its spread is 0, eps is 0, and 0 / 0 is no number."
      : `Divided by the root of variance ${say(variance)} + eps ${sayEps(now.eps)} it is ${vector(vectors[2])}. Times gamma plus beta it is ${vector(vectors[3])}.`);
  }
  inputs.forEach((input, at) => {
    input.oninput = () => {
      if (at < places.length) places[at][0][places[at][1]] = input.valueAsNumber;
      else now.eps = choices[input.valueAsNumber];
      show();
    };
  });
  plane.onpointerdown = plane.onpointermove = (event) => {
    if (!event.buttons) return;
    const { left, top, width } = plane.getBoundingClientRect(), at = (pixels) => (pixels / width) * 2 * end - end;
    const half = (n) => Math.max(-ends.x, Math.min(ends.x, Math.round(2 * n) / 2));
    const across = at(event.clientX - left), up = half(-at(event.clientY - top));
    kind.pulled(now.x, kind === arrows ? half(across) : across, up);
    show();
  };
  root.addEventListener("keydown", (event) => event.stopPropagation()); // the arrows are not JupyterLab's, nor a slide's
  show();
  el.append(root);
}

export default { render: ({ model, el }) => mount(el, model.get("data")) };
