/* What every page of the site does: a prediction with choices answers back, and the site's files are kept for when there is no
network. Without JavaScript the choices are a list, and an answer opens by its own line. */

/** The folded answers of the prediction in `box`: those before the next prediction or heading. */
function answersOf(box) {
  const all = [...document.querySelectorAll("article :is(.alert-info, h2, h3, .tag_answer details, details.answer)")], found = [];
  for (const node of all.slice(all.indexOf(box) + 1)) {
    if (!node.matches("details")) break;
    found.push(node);
  }
  return found;
}

/** Make the choices of a prediction buttons. What is chosen stays in this browser; choosing it again takes it back. */
function ask(box) {
  const right = box.dataset.answer, place = `${location.pathname} ${box.querySelector("p").textContent}`;
  const verdict = document.createElement("p");
  verdict.setAttribute("role", "status");
  const buttons = Array.from(box.querySelectorAll("li"), (item) => {
    const button = document.createElement("button");
    button.className = "choice";
    button.append(...item.childNodes);
    item.append(button);
    return button;
  });
  const letter = (button) => button.textContent.trim()[0];
  const show = (chosen) => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", letter(button) === chosen);
      button.classList.toggle("right", chosen !== null && letter(button) === right);
    }
    verdict.textContent = chosen && (chosen === right ? `Yes, ${right}.` : `You chose ${chosen}; it is ${right}.`);
  };
  for (const button of buttons) {
    button.onclick = () => {
      const again = localStorage.getItem(place) === letter(button), chosen = again ? null : letter(button);
      if (again) localStorage.removeItem(place);
      else localStorage.setItem(place, chosen);
      show(chosen);
      for (const answer of answersOf(box)) answer.open = !again;
    };
  }
  box.append(verdict);
  show(localStorage.getItem(place));
}

document.querySelectorAll(".alert-info[data-answer]").forEach(ask);

const root = new URL(document.documentElement.dataset.content_root, location);
addEventListener("load", () => setTimeout(() => { // once this page has all it needs
  if (!navigator.connection?.saveData) navigator.serviceWorker?.register(new URL("service_worker.js", root));
}, 5000));

// What a picture to move needs lies in the page, beside a still picture for where nothing moves.
for (const place of document.querySelectorAll(".bert-film, .bert-drag")) {
  const { mount } = await import(`./explorer/${place.className.replace("bert-", "")}.js`);
  mount(place, JSON.parse(place.querySelector("script").textContent));
  place.querySelector("figure").hidden = true;
}

// A picture that is moved sideways can be moved by the keyboard, too.
const reach = () => { for (const figure of document.querySelectorAll("figure")) figure.tabIndex = figure.scrollWidth > figure.clientWidth ? 0 : -1; };
addEventListener("resize", reach);
addEventListener("load", reach);
reach();
