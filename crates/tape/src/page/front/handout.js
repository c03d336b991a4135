// What is printed: all steps, one below the other.

function renderHandout() {
  const box = document.getElementById("handout");
  const lines = tape.lines.length ? tape.lines.map((line) => [entryOf(line.entry), line.mathml]) : tape.entries.map((entry) => [entry, entry.step.mathml]);
  const title = make("h1", {}, tape.title ?? say("list"));
  const steps = lines.map(([entry, mathml], k) => handoutStep(entry, mathml, k + 1, lines.length));
  box.replaceChildren(title, make("p", {}, summary()), make("h2", {}, say("handout")), ...steps, make("h2", {}, say("list")), handoutList());
}

function handoutStep(entry, mathml, at, of) {
  const sources = marksOf(entry.id).map((mark) => `${sourceNumber(mark.equation)}${mark.proof?.same ? " =" : ""}`);
  const head = make("h3", {}, [say("step", { at, of }), direction(entry), ...sources].join(" · "));
  const facts = entry.differentiation ? make("p", {}, `${say("why")}: `, ...why(entry).map(plain)) : "";
  const checks = entry.differentiation || entry.difference ? make("p", {}, `${say("differences")}: `, ...differences(entry).map(plain)) : "";
  return make("section", { class: "step" }, head, math(mathml, { buttons: false }), matrixTable(entry, { most: 10 }), facts, checks);
}

// A button is its text on paper.
function plain(part) {
  return part instanceof HTMLButtonElement ? part.textContent : part;
}

function handoutList() {
  const row = (entry) => make("tr", {},
    make("td", {}, `%${entry.id}`), make("th", { scope: "row" }, entry.is_named ? entry.name : ""), make("td", {}, definition(entry)), make("td", {}, shapeOf(entry)),
    make("td", {}, marksOf(entry.id).map((mark) => sourceNumber(mark.equation)).join(", ")));
  const head = ["number", "name", "definition", "shape", "source"].map((name) => make("th", { scope: "col" }, say(name)));
  return make("table", { class: "entries" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...tape.entries.slice(0, 400).map(row)));
}
