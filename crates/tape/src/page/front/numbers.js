// Numbers and matrices: as text, as tables, as small maps.

// A number in few digits; `whole` in all that make it.
function shown(x, whole = false) {
  if (x === undefined || x === null) return "·";
  if (typeof x !== "number") return { inf: "∞", "-inf": "−∞", NaN: "NaN" }[x] ?? String(x);
  if (x === 0) return Object.is(x, -0) ? "−0" : "0";
  const size = Math.abs(x);
  let text = whole ? String(x) : size >= 1e5 || size < 1e-3 ? x.toExponential(2) : String(Number(x.toPrecision(4)));
  text = text.replace(/\.?0+e/, "e").replace("e+", "e");
  return text.replace(/-/g, "−");
}

function factor(x, whole) {
  return inParentheses(shown(x, whole));
}

// In parentheses where it begins with a sign.
function inParentheses(text) {
  return text.startsWith("−") ? `(${text})` : text;
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

// The library's MathML, in which names are escaped; every symbol becomes a button to its entry.
function math(mathml, { buttons = true } = {}) {
  const box = make("div", { class: "math" });
  box.innerHTML = mathml;
  if (!buttons) return box;
  for (const symbol of box.querySelectorAll("[data-entry]")) {
    const id = Number(symbol.dataset.entry);
    if (id === shownEntry().id) {
      symbol.classList.add("here");
      continue;
    }
    symbolButton(symbol, id);
  }
  return box;
}

const MATHML = "http://www.w3.org/1998/Math/MathML";

// The symbol inside of a button of HTML, which can stand where MathML has text: assistive technology
// does not take an element of MathML for a button.
function symbolButton(symbol, id) {
  const text = document.createElementNS(MATHML, "mtext");
  const inner = document.createElementNS(MATHML, "math");
  inner.setAttribute("displaystyle", "true");
  symbol.replaceWith(text);
  inner.append(symbol);
  text.append(make("button", { type: "button", class: "symbol", "aria-label": entryOf(id).name, onclick: () => follow(id) }, inner));
}

// A box that scrolls sideways by itself, with a name for those who do not see it.
function scroller(label, ...children) {
  return make("div", { class: "scroll", role: "group", "aria-label": label }, ...children);
}

// A button that goes to an entry.
function link(id) {
  const entry = entryOf(id);
  const text = entry.is_named || entry.kind === "Number" ? entry.name : oneOperation(entry);
  return make("button", { type: "button", class: "link", onclick: () => follow(id) }, text);
}

function follow(id) {
  goTo(id, place.cell, { follow: true });
  render({ toCard: true });
}

// "4×m"
function shapeOf(entry) {
  return entry.shape.join("×");
}

// How strong the colour of an element is, from 0 to 1.
function strength(x, value) {
  const largest = numeric(value.largest);
  return largest > 0 && Number.isFinite(x) ? Math.abs(x) / largest : 0;
}

// ---- Small maps: a full square is positive, a hollow one negative, a cross not finite.

const MAP_CELL = 7;
const MAP_MOST = 8;

function heatMap(entry) {
  const value = valueOf(entry);
  if (!value || !value.rows || !value.columns) return make("span");
  const [rows, columns] = [Math.min(value.rows, MAP_MOST), Math.min(value.columns, MAP_MOST)];
  const canvas = make("canvas", { class: "heat", "aria-hidden": "true" });
  const scale = Math.max(window.devicePixelRatio || 1, 1);
  canvas.width = columns * MAP_CELL * scale;
  canvas.height = rows * MAP_CELL * scale;
  canvas.style.width = `${columns * MAP_CELL}px`;
  canvas.style.height = `${rows * MAP_CELL}px`;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const colours = mapColours();
  for (let j = 0; j < columns; j++) {
    for (let i = 0; i < rows; i++) drawElement(pen, numeric(element(value, i, j)), value, i, j, colours);
  }
  return canvas;
}

function drawElement(pen, x, value, row, column, colours) {
  const [left, top, size] = [column * MAP_CELL, row * MAP_CELL, MAP_CELL - 1];
  if (!Number.isFinite(x)) {
    pen.strokeStyle = colours.bad;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(left, top);
    pen.lineTo(left + size, top + size);
    pen.moveTo(left + size, top);
    pen.lineTo(left, top + size);
    pen.stroke();
    return;
  }
  pen.globalAlpha = x === 0 ? 0.15 : 0.25 + 0.75 * strength(x, value);
  if (x < 0) {
    pen.strokeStyle = colours.negative;
    pen.lineWidth = 1.6;
    pen.strokeRect(left + 0.8, top + 0.8, size - 1.6, size - 1.6);
  } else {
    pen.fillStyle = x === 0 ? colours.zero : colours.positive;
    pen.fillRect(left, top, size, size);
  }
  pen.globalAlpha = 1;
}

let knownColours = null;
function mapColours() {
  if (!knownColours) {
    const style = getComputedStyle(document.documentElement);
    const probe = make("span");
    document.body.append(probe);
    const colour = (name) => {
      probe.style.color = style.getPropertyValue(name);
      return getComputedStyle(probe).color;
    };
    knownColours = { positive: colour("--positive"), negative: colour("--negative"), bad: colour("--bad"), zero: colour("--text") };
    probe.remove();
  }
  return knownColours;
}

// ---- Tables: a window of a matrix around the element that is chosen.

const tableMost = () => (matchMedia("(max-width: 800px)").matches ? 6 : 8);

// The first of `most` places that have `at` among them.
function windowAt(at, count, most) {
  return Math.max(0, Math.min(at - Math.floor(most / 2), count - most));
}

// The matrix of an entry; `touched` says which elements a result is made of, and `chosen` which one
// the keyboard is at.
function matrixTable(entry, { touched = () => false, chosen = null, choose = null, most = tableMost() } = {}) {
  const value = valueOf(entry);
  const caption = make("caption", {}, make("span", { class: "of" }, nameOf(entry)), ` ${shapeOf(entry)}`);
  const table = make("table", { class: choose ? "matrix chosen" : "matrix", "data-entry": entry.id }, caption);
  if (!value) {
    table.append(make("tbody", {}, make("tr", {}, make("td", {}, say("not_computed")))));
    return table;
  }
  const [at, along] = chosen ?? firstTouched(value, touched);
  const [row0, column0] = [windowAt(at, value.rows, most), windowAt(along, value.columns, most)];
  const [row1, column1] = [Math.min(row0 + most, value.rows), Math.min(column0 + most, value.columns)];
  if (row1 - row0 < entry.rows || column1 - column0 < entry.columns) {
    const cut = { r0: row0 + 1, r1: row1, rows: entry.rows, c0: column0 + 1, c1: column1, columns: entry.columns };
    caption.append(make("small", {}, ` (${say("cut", cut)})`));
  }
  const body = make("tbody");
  for (let i = row0; i < row1; i++) {
    const row = make("tr");
    for (let j = column0; j < column1; j++) row.append(matrixCell(value, i, j, touched(i, j), chosen, choose));
    body.append(row);
  }
  table.append(body);
  return table;
}

function firstTouched(value, touched) {
  for (let i = 0; i < value.rows; i++) {
    for (let j = 0; j < value.columns; j++) if (touched(i, j)) return [i, j];
  }
  return [0, 0];
}

function matrixCell(value, i, j, isTouched, chosen, choose) {
  const x = element(value, i, j);
  const number = numeric(x);
  const isHere = chosen && chosen[0] === i && chosen[1] === j;
  const cell = make("td", {
    "data-row": i, "data-column": j, "data-value": x,
    class: [number < 0 ? "negative" : "positive", isTouched && "touched", isHere && "here", !Number.isFinite(number) && "bad"].filter(Boolean).join(" "),
    style: `--strength: ${strength(number, value).toFixed(3)}`,
    tabindex: choose ? (isHere ? "0" : "-1") : undefined,
    "aria-current": isHere ? "true" : undefined,
    onclick: choose ? () => choose(i, j) : undefined,
  }, shown(x));
  return cell;
}
