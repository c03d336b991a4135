// Cells of X, Y, W and b that are typed over.

let edited = { name: "W[1]", row: 0, column: 0 };

function cellsPart() {
  const rows = rowsOf(edited.name) ?? (edited.name = "X", rowsOf("X"));
  edited.row = Math.min(edited.row, rows.length - 1);
  edited.column = Math.min(edited.column, rows[0].length - 1);
  const names = make("select", { id: "edit-matrix", onchange: (event) => edit(event.target.value, 0, 0) },
    ...editable().map((name) => make("option", { selected: name === edited.name }, name)));
  const cell = (i, j) => {
    const isHere = i === edited.row && j === edited.column;
    const label = `${edited.name}, ${word("row")} ${i + 1}, ${word("column")} ${j + 1}`;
    return make("td", {}, make("input", { value: rows[i][j], inputmode: "decimal", "aria-label": label, "data-cell": `${i},${j}`, tabindex: isHere ? 0 : -1, spellcheck: "false",
      oninput: (event) => typed(i, j, event.target), onfocus: () => here(i, j), onkeydown: onCellKey }));
  };
  const table = make("table", { id: "edit-table" }, make("tbody", {}, ...rows.map((row, i) => make("tr", {}, ...row.map((_, j) => cell(i, j))))));
  return make("div", { class: "cells" }, make("p", { class: "note" }, word("edit_help")), make("label", {}, word("matrix"), " ", names), make("div", { class: "scroll" }, table));
}

// One cell is in the order of Tab; arrows go to the others.
function here(i, j) {
  for (const input of document.querySelectorAll("#edit-table input")) input.tabIndex = input.dataset.cell === `${i},${j}` ? 0 : -1;
  Object.assign(edited, { row: i, column: j });
}

// A number as somebody types it, with a comma or a minus of print; undefined if it is none yet.
function readNumber(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  if (["inf", "-inf", "NaN", "∞", "-∞"].includes(plain)) return plain.replace("∞", "inf");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : undefined;
}

function typed(i, j, input) {
  const value = readNumber(input.value);
  input.setAttribute("aria-invalid", String(value === undefined));
  if (value === undefined) return complain("edit", word("not_a_number", { text: input.value }));
  const rows = rowsOf(edited.name);
  rows[i][j] = value;
  return attempt(() => derive(withMatrix(asked, edited.name, rows)));
}

function onCellKey(event) {
  const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  event.stopPropagation();
  const isInText = event.key === "ArrowLeft" || event.key === "ArrowRight";
  const caret = event.target.selectionStart;
  if (!by || (isInText && caret !== (event.key === "ArrowLeft" ? 0 : event.target.value.length))) return;
  event.preventDefault();
  const [i, j] = event.target.dataset.cell.split(",").map(Number);
  const next = document.querySelector(`#edit-table input[data-cell="${i + by[0]},${j + by[1]}"]`);
  next?.focus();
  next?.select();
}

// Opens a matrix at a cell.
function edit(name, row, column) {
  if (!rowsOf(name)) return complain("edit", word("no_leaf"));
  edited = { name, row, column };
  drawPart("edit");
  document.getElementById("part-edit").open = true;
  const input = document.querySelector(`#edit-table input[data-cell="${edited.row},${edited.column}"]`);
  input?.focus();
  input?.select();
  return undefined;
}
