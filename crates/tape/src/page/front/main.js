// The page as a whole: what is drawn after a move, the bar of buttons, the keys.

let playing = null;

// Shows a document; the place stays where it is, if it is there.
function show(document_) {
  tape = document_;
  [knownGroups, proofShown] = [null, null];
  opened.clear();
  openedBands.clear();
  if (addressTimer) writeAddressNow(); // else it is where one was a moment ago
  readAddress();
  renderFrame();
  render();
}

function summary() {
  const m = tape.m === null ? "" : say("examples", { m: tape.m });
  return say("summary", { entries: tape.entries.length, lines: tape.lines.length, m, scalar: tape.scalar });
}

// What does not change from step to step.
function renderFrame() {
  document.documentElement.lang = place.language;
  const title = tape.title ?? say("list");
  document.title = title;
  document.getElementById("title").textContent = title;
  document.getElementById("about").textContent = summary();
  const language = document.getElementById("language");
  language.textContent = say("language");
  language.lang = place.language === "en" ? "es" : "en";
  name("theme", say("theme")).textContent = "◐";
  name("help-open", say("help"));
  renderBar();
  renderHelp();
  renderList();
}

function name(id, text) {
  const node = document.getElementById(id);
  node.setAttribute("aria-label", text);
  node.title = text;
  return node;
}

function renderBar() {
  const bar = document.getElementById("bar");
  bar.setAttribute("aria-label", say("controls"));
  const button = (id, text, onclick) => make("button", { type: "button", id, "aria-label": say(text), title: say(text), onclick }, icon(text));
  const buttons = make("div", { class: "steps" },
    button("first", "first", () => moved(() => toEnd(false))), button("back", "back", () => moved(() => step(-1))),
    button("play", playing ? "stop" : "play", togglePlay),
    button("forward", "forward", () => moved(() => step(1))), button("last", "last", () => moved(() => toEnd(true))));
  bar.replaceChildren(buttons, equationChoice(), levelChoice(), protectionChoice() ?? "");
}

// Drawn, as fonts differ in such signs.
const ICONS = { first: "M4 3h2.5v14H4zM18 3v14L8 10z", back: "M14.5 3v14L5 10z", play: "M5 3l12 7-12 7z", stop: "M4.5 4.5h11v11h-11z", forward: "M5.5 3v14L15 10z", last: "M13.5 3H16v14h-2.5zM2 3v14l10-7z" };

function icon(name) {
  return svg("svg", { width: 20, height: 20, viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: ICONS[name], fill: name === "back" || name === "forward" ? "none" : "currentColor", stroke: "currentColor", "stroke-width": 1.8, "stroke-linejoin": "round" }));
}

function equationChoice() {
  const select = make("select", { id: "equation", "aria-label": say("go_to"), onchange: (event) => { if (event.target.value !== "") moved(() => goTo(Number(event.target.value))); } });
  select.append(make("option", { value: "" }, say("choose")));
  for (const id of stops()) {
    const entry = entryOf(id);
    const sources = [...new Set(marksOf(id).map((mark) => sourceNumber(mark.equation)))].join(", ");
    select.append(make("option", { value: id }, sources ? `${sources}: ${entry.name}` : entry.name));
  }
  return make("label", { class: "choice" }, make("span", { class: "wide" }, say("go_to")), select);
}

function levelChoice() {
  const group = make("fieldset", { class: "levels" }, make("legend", {}, say("level")));
  LEVELS.forEach((level, k) => {
    const input = make("input", { type: "radio", name: "level", value: level, checked: place.level === level, onchange: () => setLevel(level) });
    group.append(make("label", {}, input, make("span", {}, say(`levels.${level}`)), make("kbd", { "aria-hidden": "true" }, String(k + 1))));
  });
  return group;
}

function protectionChoice() {
  if (!tape.naive) return null;
  const state = say(place.isProtected ? "protection_on" : "protection_off");
  return make("button", { type: "button", id: "protection", "aria-pressed": String(place.isProtected), title: say(place.isProtected ? "protection_says_on" : "protection_says_off"), onclick: toggleProtection }, `${say("protection")}: ${state}`);
}

function renderHelp() {
  const keys = make("table", {}, make("caption", {}, say("keys")), make("tbody", {}, ...say("key_list").map(([key, what]) => make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, key)), make("td", {}, what)))));
  const close = make("button", { type: "button", onclick: () => document.getElementById("help").close() }, say("close"));
  const help = document.getElementById("help");
  help.setAttribute("aria-label", say("help"));
  help.replaceChildren(make("p", {}, say("about_levels")), make("p", {}, say("about_heat")), keys, close);
}

// ---- After a move.

// Draws what depends on the place; where the keyboard was, it stays.
function render({ toCard, toCell, toRow, toNode } = {}) {
  if (!tape.entries.length) return; // there is no step
  const had = focusKept();
  renderCard();
  moveInList();
  renderGraph();
  syncBar();
  writeAddress();
  if (toCard) document.getElementById("card").focus({ preventScroll: false });
  else if (toCell || had === "cell") document.querySelector("#card td[tabindex='0']")?.focus();
  else if (toRow || had === "row") document.querySelector("#list tr.here button")?.focus({ preventScroll: true });
  else if (toNode || had === "node") document.querySelector("#graph .node.here")?.focus({ preventScroll: true });
  speak(spoken(toCell || had === "cell"));
}

// Which part has the keyboard and is about to be drawn anew.
function focusKept() {
  const at = document.activeElement;
  if (!at) return null;
  if (at.closest("#card td")) return "cell";
  if (at.matches("#list .entry")) return "row";
  if (at.closest("#graph .node")) return "node";
  return null;
}

// Two rows change, or the layers of both where one closes or opens.
function moveInList() {
  const list = document.getElementById("list");
  const before = list.querySelector("tr.here");
  const now = list.querySelector(`.entry[data-entry="${shownEntry().id}"]`)?.closest("tr");
  if (before && before === now) return;
  const had = before?.contains(document.activeElement);
  if (before && now && tape.entries.length <= LONG) {
    before.replaceWith(entryRow(entryOf(Number(before.querySelector(".entry").dataset.entry))));
    now.replaceWith(entryRow(shownEntry()));
  } else {
    const group = knownGroups.find((one) => one.entries.includes(shownEntry()));
    const changed = [before?.closest("tbody"), list.querySelector(`tbody[data-group="${group.id}"]`)];
    for (const body of new Set(changed)) body?.replaceWith(groupRows(knownGroups.find((one) => one.id === Number(body.dataset.group))));
  }
  const row = list.querySelector("tr.here");
  if (!row) return;
  if (had) row.querySelector("button").focus({ preventScroll: true });
  showRow(list.querySelector(".scroll"), row);
}

function syncBar() {
  const id = shownEntry()?.id;
  const select = document.getElementById("equation");
  select.value = stops().includes(id) ? String(id) : "";
  for (const input of document.querySelectorAll("#bar input[name=level]")) input.checked = input.value === place.level;
}

// What is said of a step, and of an element where that is looked at.
function spoken(isElement) {
  const entry = shownEntry();
  const text = byEquations() ? tape.lines[entry.line].text : entry.step.text;
  const parts = [stepText(), ...marksOf(entry.id).map((mark) => sourceNumber(mark.equation)), text];
  const value = valueOf(entry);
  const [row, column] = cellOf(entry);
  if ((isElement || place.level === "number") && value) parts.push(say("cell", { row: row + 1, column: column + 1 }), shown(element(value, row, column)));
  else if (value?.rows === 1 && value.columns === 1) parts.push(shown(element(value, 0, 0)));
  if (value?.not_finite) parts.push(say("not_finite"));
  return parts.join(". ");
}

function speak(text) {
  document.getElementById("spoken").textContent = text;
}

function moved(move) {
  proofShown = null;
  move();
  render();
}

function setLevel(level) {
  place.level = level;
  render();
}

function toggleProtection() {
  place.isProtected = !place.isProtected;
  renderBar();
  renderList();
  const first = place.isProtected ? null : firstNotFinite();
  if (first) goTo(first.id, valueOf(first).not_finite);
  render();
  document.getElementById("protection")?.focus();
}

function togglePlay() {
  if (playing) clearInterval(playing);
  playing = playing ? null : setInterval(() => { if (!step(1)) togglePlay(); render(); }, 1500);
  const hadFocus = document.activeElement?.id === "play";
  renderBar();
  syncBar();
  if (hadFocus) document.getElementById("play").focus();
}

function toggleLanguage() {
  place.language = place.language === "en" ? "es" : "en";
  renderFrame();
  render();
}

function toggleTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  redrawColours();
}

function redrawColours() {
  knownColours = null;
  renderList();
}

// ---- Keys.

const KEYS = {
  ArrowLeft: () => moved(() => step(-1)), ArrowRight: () => moved(() => step(1)),
  Home: () => moved(() => toEnd(false)), End: () => moved(() => toEnd(true)),
  PageUp: () => moved(() => stepEquation(-1)), PageDown: () => moved(() => stepEquation(1)),
  " ": togglePlay, 1: () => setLevel("equation"), 2: () => setLevel("entry"), 3: () => setLevel("number"),
  Backspace: () => goBack() && render({ toCard: true }),
  g: () => document.getElementById("equation").focus(),
  "=": () => { const mark = marksOf(shownEntry()?.id).find((one) => one.proof); if (mark) toggleProof(mark); },
  n: () => tape.naive && toggleProtection(), l: toggleLanguage, t: toggleTheme,
  "?": () => document.getElementById("help").showModal(),
  e: () => engine()?.edit?.(place), c: () => engine()?.check?.(place),
  Escape: () => document.getElementById("card").focus(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const at = event.target;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (at.matches?.("#card td") && moveInTable(key)) return event.preventDefault();
  if (at.matches?.("#list .entry, #graph .node") && (key === "ArrowUp" || key === "ArrowDown")) {
    moved(() => goTo(nextShown(at, key === "ArrowUp" ? -1 : 1)));
    return event.preventDefault();
  }
  const isPressed = at.matches?.("[role=button]") && (key === "Enter" || key === " ");
  if (isPressed) {
    at.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    return event.preventDefault();
  }
  // What these do by themselves stays theirs.
  if (at.matches?.("select") && (key.length === 1 || key.startsWith("Arrow") || /^(Home|End|Page)/.test(key))) return undefined;
  if (at.matches?.("input") && key.startsWith("Arrow")) return undefined;
  if (at.matches?.("button, input, summary") && key === " ") return undefined;
  const run = KEYS[key];
  if (!run) return undefined;
  event.preventDefault();
  return run();
}

// The entry of the row or node before or after this one.
function nextShown(at, by) {
  const all = [...at.closest("#list, #graph").querySelectorAll("[data-entry]")].filter((one) => one.matches(".entry, .node"));
  const next = all[all.indexOf(at) + by];
  return next ? Number(next.dataset.entry) : place.entry + by;
}

// Arrows in the matrix of the result.
function moveInTable(key) {
  const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
  if (!by) return false;
  const entry = shownEntry();
  const before = cellOf(entry);
  goTo(entry.id, [before[0] + by[0], before[1] + by[1]]);
  render({ toCell: true });
  return true;
}

document.addEventListener("keydown", onKey);
window.addEventListener("hashchange", () => { readAddress(); renderFrame(); render(); });
window.addEventListener("beforeprint", renderHandout);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawColours);
document.getElementById("language").addEventListener("click", toggleLanguage);
document.getElementById("theme").addEventListener("click", toggleTheme);
document.getElementById("help-open").addEventListener("click", () => document.getElementById("help").showModal());

// For an engine that is added to the page: what shows a document, and what draws.
window.page = { show, make, svg, shown, filled, language: () => place.language };
show(JSON.parse(document.getElementById("document").textContent));
