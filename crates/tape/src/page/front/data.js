// The document, the place in it, and how the place moves.

let tape = null; // the document
const engine = () => window.engine || null; // what could record anew; a page from a file has none

// Where one is: an entry, an element of it, and how closely it is looked at.
const place = { entry: 0, cell: [0, 0], level: "equation", language: "en", isProtected: true };
const LEVELS = ["equation", "entry", "number"];
const visited = []; // where one came from, by following symbols

const entryOf = (id) => tape.entries[id];
const marksOf = (id) => tape.marks.filter((mark) => mark.entry === id);

// Whether steps are equations; an entry that leads to none is shown itself.
const byEquations = () => place.level === "equation" && isOfLine(entryOf(place.entry));
const isOfLine = (entry) => Number.isInteger(entry?.line);

// The entry that is shown: of an equation, the one that it defines.
const shownEntry = () => (byEquations() ? entryOf(tape.lines[entryOf(place.entry).line].entry) : entryOf(place.entry));

// The element of an entry that is looked at: the place's, if it is there.
function cellOf(entry) {
  const value = valueOf(entry);
  return place.cell.map((at, k) => Math.min(at, Math.max((k ? value?.columns : value?.rows) ?? 1, 1) - 1));
}

// What it is called where there is room for a word.
const nameOf = (entry) => (entry.is_named || entry.kind === "Number" ? entry.name : `%${entry.id}`);

// The value that is shown: the program's, or that of the formulas as they stand.
function valueOf(entry) {
  return !place.isProtected && entry.literal ? entry.literal : entry.value;
}

// An element as the document has it, a number or a word; undefined where it was cut off.
function element(value, row, column) {
  if (!value || row >= value.rows || column >= value.columns) return undefined;
  return value.data[column * value.rows + row];
}

// As a number for a computer.
function numeric(x) {
  return typeof x === "number" ? x : { inf: Infinity, "-inf": -Infinity, NaN: NaN }[x];
}

// The entries of the equations, in their order; of a tape without any, all entries.
function stops() {
  return tape.lines.length ? tape.lines.map((line) => line.entry) : tape.entries.map((entry) => entry.id);
}

// The number of the step, from 0, and how many there are.
function stepNumber() {
  if (byEquations()) return [entryOf(place.entry).line, tape.lines.length];
  return [place.entry, tape.entries.length];
}

// Goes to an entry, and to an element of it that is there.
function goTo(id, cell = place.cell, { follow = false } = {}) {
  if (!tape.entries.length) return;
  if (follow && id !== place.entry) visited.push([place.entry, place.cell]);
  place.entry = Math.min(Math.max(id, 0), tape.entries.length - 1);
  const value = entryOf(place.entry).value;
  const within = (at, count) => Math.min(Math.max(at, 0), Math.max((count ?? 1) - 1, 0));
  place.cell = [within(cell[0], value?.rows), within(cell[1], value?.columns)];
}

function goBack() {
  const before = visited.pop();
  if (before) goTo(...before);
  return Boolean(before);
}

// A step at the level that is chosen; false at either end.
function step(by) {
  if (byEquations()) return stepEquation(by);
  if (place.level === "number" && stepElement(by)) return true;
  const next = place.entry + by;
  if (next < 0 || next >= tape.entries.length) return false;
  const value = entryOf(next).value;
  const atEnd = place.level === "number" && by < 0 && value;
  goTo(next, place.level === "number" ? (atEnd ? [value.rows - 1, value.columns - 1] : [0, 0]) : place.cell);
  return true;
}

function stepEquation(by) {
  const here = entryOf(place.entry);
  const isNext = (line) => (by < 0 ? line.entry < place.entry : line.entry > place.entry);
  const next = isOfLine(here) ? tape.lines[here.line + by] : by < 0 ? tape.lines.findLast(isNext) : tape.lines.find(isNext);
  if (!next) return false;
  goTo(next.entry);
  return true;
}

// To the element below, then to the next column; false beyond the last.
function stepElement(by) {
  const value = entryOf(place.entry)?.value;
  if (!value) return false;
  const next = place.cell[1] * value.rows + place.cell[0] + by;
  if (next < 0 || next >= value.rows * value.columns) return false;
  place.cell = [next % value.rows, Math.floor(next / value.rows)];
  return true;
}

function toEnd(isLast) {
  const all = place.level === "equation" ? stops() : [0, tape.entries.length - 1];
  goTo(isLast ? all[all.length - 1] : all[0], [0, 0]);
}

// ---- The address: step, level, element and language, so that a link leads to a step.

// Written when the keys rest: browsers refuse, and complain of, more than some twenty changes a second.
let addressTimer = null;
function writeAddress() {
  addressTimer = addressTimer ?? setTimeout(writeAddressNow, 150);
}

function writeAddressNow() {
  addressTimer = null;
  // What an engine derives is its part of the address; it is kept until there is one.
  const kept = new URLSearchParams(location.hash.slice(1)).get("net");
  const derived = engine()?.address?.() ?? (kept ? { net: kept } : {});
  const parts = new URLSearchParams({ step: place.entry, level: place.level, cell: place.cell.join(","), lang: place.language, ...derived });
  if (!place.isProtected) parts.set("protection", "off");
  const address = `#${parts}`;
  if (address === location.hash) return;
  try {
    history.replaceState(null, "", address);
  } catch {
    location.hash = address; // too many changes in a second
  }
}

function readAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const whole = (text) => (/^\d{1,9}$/.test(text ?? "") ? Number(text) : undefined);
  if (LEVELS.includes(parts.get("level"))) place.level = parts.get("level");
  if (parts.get("lang") in STRINGS) place.language = parts.get("lang");
  else if (!parts.has("lang") && /^es\b/i.test(navigator.language)) place.language = "es";
  place.isProtected = parts.get("protection") !== "off" || !tape.naive;
  const cell = (parts.get("cell") ?? "").split(",").map(whole);
  const isCell = cell.length === 2 && cell.every((at) => at !== undefined);
  goTo(whole(parts.get("step")) ?? stops()[0] ?? 0, isCell ? cell : [0, 0]);
}

// The first entry whose value is not finite although those of its operands are.
function firstNotFinite() {
  return tape.entries.find((entry) => isBad(entry) && !entry.operands.some((id) => isBad(entryOf(id))));
}
