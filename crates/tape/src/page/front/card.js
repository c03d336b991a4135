// The card of a step: the equation, the numbers in it, why it is there, and what checks it.

let proofShown = null;

function renderCard() {
  const entry = shownEntry();
  const card = document.getElementById("card");
  card.replaceChildren(
    cardHead(entry),
    notFiniteStory(entry) ?? "",
    equationPart(entry),
    numbersPart(entry),
    factsPart(entry),
    proofPart(entry) ?? "",
    visited.length ? backButton() : "",
  );
  card.setAttribute("aria-label", heading(entry));
}

// "Step 22 of 40"
function stepText() {
  const [at, of] = stepNumber();
  return say("step", { at: at + 1, of });
}

function direction(entry) {
  return say(entry.differentiation ? "backward_part" : "forward_part");
}

function heading(entry) {
  const sources = marksOf(entry.id).map((mark) => sourceNumber(mark.equation + (mark.note ? ` (${mark.note})` : "")));
  return [stepText(), direction(entry), ...new Set(sources)].join(" · ");
}

function cardHead(entry) {
  return make("div", { class: "head" }, make("h2", {}, heading(entry)));
}

// At the level of equations the line of the system, else one operation.
function equationPart(entry) {
  const box = make("div", { class: "equation" });
  if (byEquations()) {
    box.append(math(tape.lines[entry.line].mathml));
  } else {
    box.append(math(entry.step.mathml));
    if (entry.leaf === undefined && entry.kind !== "Number" && entry.equation && entry.equation.text !== entry.step.text) {
      box.append(make("p", { class: "label" }, say("whole_equation")), math(entry.equation.mathml));
    }
  }
  return make("div", { class: "scroll equations", role: "group", "aria-label": say("levels.equation") }, box);
}

// The entries whose numbers stand beside the result.
function shownOperands(entry) {
  if (!byEquations()) return [...new Set(entry.operands)];
  const symbols = document.createElement("div");
  symbols.innerHTML = tape.lines[entry.line].mathml;
  const ids = [...symbols.querySelectorAll("[data-entry]")].map((symbol) => Number(symbol.dataset.entry));
  return [...new Set(ids)].filter((id) => id !== entry.id);
}

// The matrix of the result, in which an element can be chosen, and those that it is made of.
function numbersPart(entry) {
  const value = valueOf(entry);
  const chosen = cellOf(entry);
  const choose = (i, j) => {
    goTo(entry.id, [i, j]);
    render({ toCell: true });
  };
  const matrices = make("div", { class: "matrices" }, scroller(nameOf(entry), matrixTable(entry, { chosen, choose })));
  const touched = sources(entry, ...chosen);
  for (const id of shownOperands(entry)) {
    const k = byEquations() ? -1 : entry.operands.indexOf(id);
    const isTouched = k >= 0 ? touched[k] : (i, j) => sameExample(entryOf(id), entry, j);
    matrices.append(scroller(nameOf(entryOf(id)), matrixTable(entryOf(id), { touched: isTouched, most: Math.min(tableMost(), 8) })));
  }
  const part = make("div", { class: "numbers" }, matrices);
  if (place.level === "number" && value) {
    const name = `${nameOf(entry)}, ${say("cell", { row: chosen[0] + 1, column: chosen[1] + 1 })}`;
    part.prepend(make("p", { class: "label" }, name), writtenLine(entry, ...chosen));
  }
  return part;
}

// Of matrices with a column for each example, the chosen example.
function sameExample(operand, entry, column) {
  const isOfExamples = (one) => one.shape[1] === "m";
  return isOfExamples(operand) && isOfExamples(entry) && column === cellOf(entry)[1];
}

// ---- Why it is there, who uses it, what differences say.

function factsPart(entry) {
  const facts = make("dl", { class: "facts" });
  const fact = (name, ...what) => facts.append(make("div", {}, make("dt", {}, name), make("dd", {}, ...what)));
  fact(say("why"), ...why(entry));
  const users = entry.used_by.filter((id) => entryOf(id));
  fact(say("used_by"), ...(users.length ? links(users, 12) : [say("nothing")]));
  if (entry.differentiation || entry.difference) fact(say("differences"), ...differences(entry));
  return facts;
}

function links(ids, most) {
  const parts = ids.slice(0, most).map(link);
  if (ids.length > most) parts.push(say("rest", { n: ids.length - most }));
  return parts;
}

// A sentence with a button where {at} stands.
function sentence(text, at, values = {}) {
  const [before, after] = text.split("{at}");
  return [filled(before, values), ...(after === undefined ? [] : [link(at), filled(after, values)])];
}

function why(entry) {
  const recordedAt = make("small", { class: "place" }, ` ${say("place", { place: entry.place })}`);
  if (entry.leaf !== undefined) return [say(`leaves.${entry.leaf}`) ?? say("leaf", { kind: entry.leaf }), recordedAt];
  if (entry.kind === "Number" && !entry.differentiation) return [say("literal_number"), recordedAt];
  if (!entry.differentiation) return [say("by_hand"), recordedAt];
  if (!entry.origin) return [say("recorded"), recordedAt];
  const { by, at } = entry.origin;
  const operation = entryOf(at)?.operation ?? "";
  return [...sentence(say(by).replace("{operation}", operation), at), recordedAt];
}

function differences(entry) {
  const found = entry.difference;
  if (!found) return [say("unchecked", { reason: say("reasons.none") })];
  const relative = shown(found.relative ?? NaN);
  const x = element(found, ...cellOf(entry));
  const value = x === null || x === undefined ? "·" : shown(x);
  const mark = make("span", { class: `verdict ${found.verdict}`, "aria-hidden": "true" }, { agrees: "✓ ", differs: "✗ ", unchecked: "– " }[found.verdict]);
  if (found.verdict === "unchecked") return [mark, say("unchecked", { reason: say(`reasons.${found.reason}`) })];
  const [c, k] = found.front;
  const front = c === 1 && k === 0 ? "" : ` / (${c < 0 ? "−" : ""}${k ? (k === -1 ? "1/m" : `m^${k}`) : "1"})`;
  const what = say("checked_of", { of: entryOf(found.of).name, wrt: entryOf(found.with_respect_to).name, front });
  return [mark, make("span", { "data-difference": x ?? undefined }, say(found.verdict, { value, relative })), make("small", {}, ` ${what}`)];
}

// ---- Where a NaN or ∞ begins.

function notFiniteStory(entry) {
  const value = valueOf(entry);
  if (!value?.not_finite) return null;
  const bad = entry.operands.find((id) => isBad(entryOf(id)));
  const box = make("p", { class: "story", role: "note" }, make("strong", {}, `⚠ ${say("not_finite")}. `));
  if (bad !== undefined) box.append(...sentence(say("follows"), bad), " ", toFirstBad() ?? "");
  else box.append(...howItBegins(entry, value));
  const around = entry.used_by.find((id) => !isBad(entryOf(id)) && valueOf(entryOf(id)));
  if (around !== undefined) box.append(" ", ...sentence(say("around"), around));
  return box;
}

const isBad = (entry) => Boolean(valueOf(entry)?.not_finite);

function toFirstBad() {
  const first = firstNotFinite();
  const go = () => {
    goTo(first.id, valueOf(first).not_finite, { follow: true });
    render({ toCard: true });
  };
  return first && make("button", { type: "button", class: "link", onclick: go }, say("first_bad"));
}

// The operation with the numbers that gave the first NaN or ∞, and how far it goes.
function howItBegins(entry, value) {
  const [row, column] = value.not_finite;
  const x = shown(element(value, row, column));
  const operands = entry.operands.map((id) => {
    const operand = entryOf(id);
    return shown(element(valueOf(operand), ...repeated(operand, row, column)));
  });
  const text = entry.operands.length ? "story" : "story_leaf";
  const parts = [say(text, { operation: entry.operation, operands: operands.join(", "), value: x, row: row + 1, column: column + 1 })];
  const later = tape.entries.filter((other) => other.id > entry.id && isBad(other)).length;
  if (later) parts.push(` ${say("spreads", { n: later })}`);
  return parts;
}

// ---- "=": the formula, recorded by hand, is this entry.

function proofPart(entry) {
  const marks = marksOf(entry.id).filter((mark) => mark.proof);
  if (!marks.length) return null;
  return make("div", { class: "proofs" }, ...marks.map((mark) => proofOf(mark)));
}

function proofOf(mark) {
  const isShown = proofShown === mark;
  const sign = mark.proof.same ? "=" : "≠";
  const button = make("button", { type: "button", class: "prove", "aria-expanded": String(isShown), onclick: () => toggleProof(mark) }, `${sign} ${say("prove", { equation: sourceNumber(mark.equation) })}`);
  const box = make("div", { class: "proof" }, button);
  if (!isShown) return box;
  const list = make("ol", { class: "recorded" });
  mark.proof.steps.forEach((one, k) => {
    const item = make("li", { style: `--turn: ${k}` }, make("code", {}, one.text), " → ", say("found", { entry: `%${one.entry}` }), " ");
    if (entryOf(one.entry)) item.append(link(one.entry));
    list.append(item);
  });
  const { before, after, same } = mark.proof;
  box.append(list, make("p", { class: "verdict-line", style: `--turn: ${mark.proof.steps.length}` },
    say(after === before ? "list_stays" : "list_grows", { before, after }), " ", say(same ? "same" : "not_same", { equation: sourceNumber(mark.equation) })));
  return box;
}

function toggleProof(mark) {
  proofShown = proofShown === mark ? null : mark;
  render();
  document.querySelector("#card .prove")?.focus();
  document.querySelector("#card .verdict-line")?.scrollIntoView({ block: "nearest" });
  if (proofShown) speak(say(mark.proof.same ? "same" : "not_same", { equation: sourceNumber(mark.equation) }));
}

function backButton() {
  const [id] = visited[visited.length - 1];
  return make("button", { type: "button", class: "back", onclick: () => goBack() && render({ toCard: true }) }, `↩ ${say("back_to", { name: entryOf(id).name })}`);
}
