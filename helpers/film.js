/* The film of a training: words as points, the map of places and the loss, all at the step that a slider says.

`mount` draws `data`, which helpers/moving.py makes, into an element, in a notebook (the default export is what anywidget calls)
and in a web page. */

const SHAPES = ["M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", "M-4.5-4.5h9v9h-9z", "M0-6l6 10.5h-12z", "M0-6.5l6 6.5l-6 6.5l-6-6.5z"];
const CSS = `
.film-now { container-type: inline-size; max-width: 900px; box-sizing: border-box; margin: .5em 0; padding: 10px;
  border: 1px solid #c8c8c8; border-radius: 8px; background: #fff; color: #161616; font: 15px/1.4 system-ui, sans-serif;
  label { display: block; font-weight: 600; margin: 0; } input { display: block; width: 100%; height: 44px; margin: 0; accent-color: #0d3b8c; }
  :focus-visible { outline: 3px solid #1d6fd8; outline-offset: -3px; }
  p { margin: .2em 0 .6em; min-height: 2.8em; font: inherit; }
  .panels { display: grid; grid-template-columns: 1fr 1fr 1.4fr; gap: 10px 16px; align-items: end; }
  .panels > div { min-width: 0; } b { display: block; font-size: 14px; }
  svg, canvas { display: block; width: 100%; box-sizing: border-box; background: #fff; }
  canvas { image-rendering: pixelated; } .words, canvas { aspect-ratio: 1; border: 1px solid #c4c4c4; }
  .kinds { display: flex; flex-wrap: wrap; gap: 0 14px; margin-top: 8px; font-size: 14px; }
  .kinds span { display: flex; gap: 4px; align-items: center; } .kinds svg { width: 14px; }
  @container (max-width: 600px) { .panels { grid-template-columns: 1fr 1fr; } .loss { grid-column: 1 / -1; } p { min-height: 5.6em; } }
}`;

const bytes = (text) => Int8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Draw the film `data` into `el`. */
export function mount(el, data) {
  const root = document.createElement("div"), { steps, texts, names, groups, kinds, colours, curve } = data;
  const points = bytes(data.points), map = bytes(data.map), last = steps.length - 1;
  const each = map.length / steps.length, size = (Math.sqrt(8 * each + 1) - 1) / 2; // half of a map, for it is symmetric
  const top = 10 * Math.ceil(Math.max(...curve) / 10), x = (n) => 32 + (258 * (steps[n] - steps[0])) / (steps[last] - steps[0]), y = (loss) => 176 - (166 * loss) / top;
  const shape = (kind) => `d="${SHAPES[kind]}" fill="${kinds[kind][1]}"`;
  const heights = [0, top / 2, top].map((loss) => `<path d="M32 ${y(loss)}H290" stroke="#d8d8d8"/><text x="28" y="${y(loss) + 4}" text-anchor="end">${loss}</text>`);
  root.className = "film-now";
  root.innerHTML = `<style>${CSS}</style>
    <label>Training step: drag, or arrow keys<input data-lm-suppress-shortcuts type="range" min="0" max="${last}" value="0"></label><p role="status"></p>
    <div class="panels" aria-hidden="true">
      <div><b>words, in a plane</b><svg class="words" viewBox="-140 -140 280 280">${groups.map((kind) => `<path ${shape(kind)}><title></title></path>`).join("")}</svg></div>
      <div><b>places, by cosine</b><canvas width="${size}" height="${size}"></canvas></div>
      <div class="loss"><b>as unsure as among … tokens</b><svg viewBox="0 0 300 200" font-size="13">${heights.join("")}
        <text x="32" y="194">step ${steps[0]}</text><text x="290" y="194" text-anchor="end">${steps[last]}</text>
        <path d="M${curve.map((loss, n) => `${x(n)} ${y(loss)}`).join("L")}" fill="none" stroke="#b9b9b9" stroke-width="2"/>
        <circle r="6" fill="#161616"/></svg></div>
    </div>
    <div class="kinds">${kinds.map((_, kind) => `<span><svg viewBox="-7 -7 14 14" aria-hidden="true"><path ${shape(kind)}/></svg></span>`).join("")}</div>`;
  root.querySelectorAll(".kinds span").forEach((span, kind) => span.append(kinds[kind][0]));
  const slider = root.querySelector("input"), said = root.querySelector("p"), dot = root.querySelector("circle");
  const spots = [...root.querySelectorAll(".words path")], canvas = root.querySelector("canvas").getContext("2d");
  spots.forEach((spot, i) => { spot.firstChild.textContent = names[i]; });

  function show(n) {
    said.textContent = texts[n];
    slider.setAttribute("aria-valuetext", `step ${steps[n]}`);
    spots.forEach((spot, i) => {
      const at = 2 * (n * spots.length + i);
      spot.setAttribute("transform", `translate(${points[at]} ${-points[at + 1]})`);
    });
    for (let row = 0, at = n * each; row < size; row++) {
      for (let column = 0; column <= row; column++, at++) {
        canvas.fillStyle = colours[Math.round(((map[at] + 127) / 254) * (colours.length - 1))];
        canvas.fillRect(column, row, 1, 1);
        canvas.fillRect(row, column, 1, 1);
      }
    }
    dot.setAttribute("cx", x(n));
    dot.setAttribute("cy", y(curve[n]));
  }
  slider.oninput = () => show(slider.valueAsNumber);
  root.addEventListener("keydown", (event) => event.stopPropagation()); // the arrows are not JupyterLab's, nor a slide's
  show(0);
  el.append(root);
}

export default { render: ({ model, el }) => mount(el, model.get("data")) };
