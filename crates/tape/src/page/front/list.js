// The list: every entry with its definition, shape, values and the equation that it is.

const LONG = 120; // from so many entries on, layers are closed but for the one that is looked at
const opened = new Map(); // groups that were opened or closed by hand

// Entries that follow each other, of one layer and one direction.
function groups() {
  const found = [];
  for (const entry of tape.entries) {
    const key = `${entry.differentiation ?? 0}/${entry.band}`;
    const last = found[found.length - 1];
    if (last && last.key === key) last.entries.push(entry);
    else found.push({ key, id: entry.id, band: entry.band, differentiation: entry.differentiation, entries: [entry] });
  }
  return found;
}

let knownGroups = null;

function isOpen(group) {
  if (opened.has(group.id)) return opened.get(group.id);
  if (tape.entries.length <= LONG) return true;
  return group.entries.includes(shownEntry());
}

function bandName(band) {
  const { label } = tape.bands[band];
  if (label) return say("band", { label });
  return tape.bands.length > 1 ? say("no_band") : "";
}

function groupTitle(group) {
  // One that added nothing has a number, too.
  const derivative = tape.differentiations.find((one) => entryOf(one.first).differentiation === group.differentiation);
  const part = group.differentiation ? (derivative?.of ? `∂${derivative.of}` : say("backward_part")) : say("forward_part");
  return [part, bandName(group.band)].filter(Boolean).join(" · ");
}

function renderList() {
  knownGroups = knownGroups ?? groups();
  const list = document.getElementById("list");
  const scrolled = list.querySelector(".scroll")?.scrollTop ?? 0;
  const head = make("tr", {}, ...["number", "name", "definition", "shape", "values", "source"].map((name) => make("th", { scope: "col" }, say(name))));
  const table = make("table", { class: "entries" }, make("thead", {}, head), ...knownGroups.map(groupRows));
  const box = scroller(say("list"), table);
  list.replaceChildren(make("details", { open: listIsOpen() }, make("summary", {}, make("h2", {}, say("list"))), box));
  list.querySelector("details").addEventListener("toggle", (event) => (listOpen = event.target.open));
  list.setAttribute("aria-label", say("list"));
  box.scrollTop = scrolled;
  const here = box.querySelector("tr.here");
  if (here) showRow(box, here);
}

let listOpen = null;
const listIsOpen = () => listOpen ?? !matchMedia("(max-width: 800px)").matches;

// Scrolls the list, and nothing else, so that a row can be seen.
function showRow(box, row) {
  const [top, height] = [row.offsetTop, row.offsetHeight];
  const head = box.querySelector("thead").offsetHeight;
  if (top - head < box.scrollTop) box.scrollTop = top - head - height;
  else if (top + height > box.scrollTop + box.clientHeight) box.scrollTop = top + 2 * height - box.clientHeight;
}

function groupRows(group) {
  const isShown = isOpen(group);
  const title = groupTitle(group);
  const count = group.entries.length === 1 ? say("one_entry") : say("entries", { n: group.entries.length });
  const toggle = make("button", { type: "button", class: "group", "aria-expanded": String(isShown), onclick: () => toggleGroup(group, isShown) }, `${isShown ? "▾" : "▸"} ${title}`, make("small", {}, ` · ${count}`));
  const body = make("tbody", { "data-group": group.id }, make("tr", { class: group.differentiation ? "part backward" : "part" }, make("th", { colspan: "6", scope: "rowgroup" }, toggle)));
  if (isShown) body.append(...group.entries.map(entryRow));
  return body;
}

function toggleGroup(group, wasShown) {
  opened.set(group.id, !wasShown);
  renderList();
  [...document.querySelectorAll("#list .group")].find((button) => button.textContent.includes(groupTitle(group)))?.focus();
}

function entryRow(entry) {
  const isHere = entry === shownEntry();
  const marks = marksOf(entry.id);
  const isWrong = isBad(entry);
  const name = nameOf(entry);
  const button = make("button", { type: "button", class: "entry", tabindex: isHere ? "0" : "-1", "data-entry": entry.id, onclick: () => { goTo(entry.id); render({ toRow: true }); } }, isWrong ? `⚠ ${name}` : name);
  const source = marks.map((mark) => sourceNumber(mark.equation).replace(/^(eq|ec)\. /, "") + (mark.proof?.same ? " =" : ""));
  return make("tr", { class: [isHere && "here", entry.differentiation && "backward", isWrong && "bad"].filter(Boolean).join(" "), "aria-current": isHere ? "step" : undefined },
    make("td", { class: "id" }, `%${entry.id}`),
    make("th", { scope: "row" }, button),
    make("td", { class: "definition" }, definition(entry)),
    make("td", { class: "shape" }, shapeOf(entry)),
    make("td", {}, entry.rows === 1 && entry.columns === 1 ? shown(element(valueOf(entry), 0, 0)) : heatMap(entry)),
    make("td", { class: "source" }, source.join(", ")));
}

// The right side of the operation.
function definition(entry) {
  if (entry.leaf !== undefined) return entry.leaf;
  const text = entry.step.text;
  const at = text.indexOf(" = ");
  return at < 0 ? text : text.slice(at + 3);
}
