// Check mine, and the two exercises.

const SIGNS = ["∂", "ℒ", "δ[", "·", "*", "⊙", "ᵀ", "Σᵢ ", "g′(Z[", "]", "1/m"];

function checkPart() {
  const input = make("input", { id: "equation-typed", type: "text", value: "∂J/∂W[1] = ", spellcheck: "false", autocomplete: "off", "aria-describedby": "check-help" });
  const form = make("form", { onsubmit: (event) => { event.preventDefault(); judgeText(input.value); } },
    make("label", {}, word("equation"), input), make("button", { type: "submit" }, word("judge")));
  const signs = make("div", { class: "signs", role: "group", "aria-label": word("signs") }, ...SIGNS.map((sign) => make("button", { type: "button", onclick: () => insert(input, sign) }, sign)));
  const names = make("input", { id: "numbers-of", value: "∂J/∂b[1]", "aria-label": word("numbers"), spellcheck: "false" });
  const numbers = make("textarea", { id: "numbers-typed", rows: 3, "aria-label": `${word("numbers")}: ${word("numbers_help")}`, placeholder: word("numbers_help"), spellcheck: "false" });
  const ofNumbers = make("form", { onsubmit: (event) => { event.preventDefault(); judgeNumbers(names.value, numbers.value); } },
    make("label", {}, word("numbers"), names), numbers, make("button", { type: "submit" }, word("judge")));
  const typing = make("div", {}, form, signs, make("p", { class: "note", id: "check-help" }, word("check_help")), make("p", { id: "verdict", class: "verdict" }));
  return make("div", { class: "check" }, typing, ofNumbers);
}

function insert(input, sign) {
  const [from, to] = [input.selectionStart, input.selectionEnd];
  input.setRangeText(sign, from, to, "end");
  input.focus();
}

function verdict(judged) {
  const head = `${judged.is_right ? `✓ ${word("right")}` : `✗ ${word("wrong")}`}: ${word(`verdicts.${judged.verdict}`)}. `;
  showVerdict(head + told_(judged.sentence), judged.is_right);
  return judged;
}

function showVerdict(text, isRight) {
  const at = document.getElementById("verdict");
  at.textContent = text;
  at.dataset.right = String(isRight);
  say_(text);
}

function judgeText(text) {
  try {
    const judged = verdict(ask({ do: "check", state: asked, text }));
    if (hidden && judged.is_right && judged.quantity === hidden.quantity) hidden = null, drawPart("exercises");
  } catch (error) {
    showVerdict(`✗ ${word("cannot")}: ${told_(error.message)}`, false);
  }
}

function judgeNumbers(quantity, text) {
  const rows = text.trim().split(/\n|;/).map((line) => line.trim().replace(/^\[|\]$/g, "").split(/[\s|]+/).filter(Boolean).map(readNumber));
  if (rows.flat().some((x) => x === undefined)) return showVerdict(`✗ ${word("cannot")}: ${word("not_a_number", { text })}`, false);
  try {
    return verdict(ask({ do: "check_numbers", state: asked, quantity, rows }));
  } catch (error) {
    return showVerdict(`✗ ${word("cannot")}: ${told_(error.message)}`, false);
  }
}

// ---- Exercises.

let hidden = null;
let broken = null; // with its seed
let told = "";

const draw = () => Math.floor(Math.random() * 2 ** 31);

function exercisesPart() {
  const buttons = make("div", { class: "buttons" }, make("button", { type: "button", id: "hide", onclick: hideOne }, word("hide")), make("button", { type: "button", id: "break", onclick: breakOne }, word("broken")));
  return make("div", {}, buttons, hidden ? hiddenPart() : null, broken ? brokenPart() : null, make("p", { class: "verdict", id: "told" }, told));
}

function hideOne() {
  attempt(() => { [hidden, told] = [ask({ do: "hide", state: asked, seed: draw() }), ""]; }, "exercises");
  const input = document.getElementById("equation-typed");
  if (!hidden) return;
  document.getElementById("part-check").open = true;
  input.value = `${hidden.quantity} = `;
  input.focus();
  say_(word("asked", { quantity: hidden.quantity }));
}

function hiddenPart() {
  const show = () => { told = word("answer_is", { right: hidden.right }); hidden = null; drawPart("exercises"); say_(told); };
  return make("p", {}, word("asked", { quantity: hidden.quantity }), " ", make("button", { type: "button", onclick: show }, word("give_up")));
}

function breakOne() {
  const seed = draw();
  attempt(() => { [broken, told] = [{ seed, state: asked, ...ask({ do: "break", state: asked, seed }) }, ""]; }, "exercises");
  say_(word("find"));
}

function brokenPart() {
  const row = (line) => make("tr", {}, make("th", { scope: "row" }, line.equation), make("td", {}, make("div", { class: "scroll" }, rowsTable(line.rows))),
    make("td", {}, make("button", { type: "button", "aria-label": `${word("this_one")}: ${line.quantity}`, onclick: () => guess(line.quantity) }, word("this_one"))));
  return make("div", { class: "broken" }, make("p", {}, word("find")), make("table", {}, make("tbody", {}, ...broken.lines.map(row))));
}

function rowsTable(rows) {
  const [tall, wide] = [rows.slice(0, 6), 8];
  return make("table", { class: "numbers" }, make("tbody", {}, ...tall.map((row) => make("tr", {}, ...row.slice(0, wide).map((x) => make("td", {}, shown(x))), row.length > wide ? make("td", {}, "…") : null))));
}

function guess(quantity) {
  attempt(() => {
    const found = ask({ do: "find", state: broken.state, seed: broken.seed, quantity });
    told = found.is_found ? word("it_was", { ...found, sentence: told_(found.sentence) }) : word("not_it", { quantity });
    if (found.is_found) broken = null;
  }, "exercises");
  say_(told);
}
