// What an element of an entry is made of: which elements of its operands, and how it is written out.
// Nothing is computed here: every number that stands in a line is one that the document has.

const ELEMENTWISE = ["Map", "Zip", "Negate", "PowerDerivative", "Select", "Broadcast", "Stop"];
const TERMS_MOST = 12;

const notationName = (entry) => (typeof entry.notation === "string" ? entry.notation : Object.keys(entry.notation)[0]);
const notationOf = (entry) => (typeof entry.notation === "string" ? {} : Object.values(entry.notation)[0]);

// The place in an operand that a result's place reads, where rows and columns repeat.
function repeated(operand, row, column) {
  return [operand.rows === 1 ? 0 : row, operand.columns === 1 ? 0 : column];
}

// For each operand: whether its element at (i, j) is one of what the result at (row, column) is made.
function sources(entry, row, column) {
  const operands = entry.operands.map(entryOf);
  const at = (i0, j0) => (i, j) => i === i0 && j === j0;
  const transposed = notationOf(entry);
  switch (entry.kind) {
    case "Matmul":
      return [
        (i, j) => (transposed.left ? j : i) === row,
        (i, j) => (transposed.right ? i : j) === column,
      ];
    case "Transpose":
      return [at(column, row)];
    case "Reduce":
      return [(i, j) => (entry.rows === 1 || i === row) && (entry.columns === 1 || j === column)];
    case "LogLoss":
    case "LogLossOnLogits":
    case "Softmax":
      return operands.map(() => (i, j) => j === column || entry.columns === 1);
    case "SigmoidMinus":
      return operands.map((operand) => at(...repeated(operand, row, column)));
    default:
      if (ELEMENTWISE.includes(entry.kind)) return operands.map((operand) => at(...repeated(operand, row, column)));
      return operands.map(() => () => false);
  }
}

// The element at (row, column) with the numbers that it is made of, as parts of a line; null where
// the operation is not one of numbers at places that are known.
function writtenOut(entry, row, column) {
  const operands = entry.operands.map(entryOf);
  const x = (k, i, j) => element(valueOf(operands[k]), i, j);
  const here = (k) => x(k, ...repeated(operands[k], row, column));
  const name = notationName(entry);
  const { left, right } = notationOf(entry);
  switch (entry.kind) {
    case "Leaf":
    case "Number":
    case "Identity":
      return [];
    case "Matmul": {
      const count = left ? operands[0].rows : operands[0].columns;
      const a = (k) => (left ? x(0, k, row) : x(0, row, k));
      const b = (k) => (right ? x(1, column, k) : x(1, k, column));
      return sum(count, (k) => [factor(a(k), true), "·", factor(b(k), true)], (k) => a(k) === undefined || b(k) === undefined);
    }
    case "Transpose":
      return [shown(x(0, column, row), true)];
    case "Reduce":
      return name === "sum" ? summed(operands[0], entry, row, column, x) : null;
    default:
      if (!ELEMENTWISE.includes(entry.kind)) return null;
      return elementwise(entry, operands.map((_, k) => here(k)));
  }
}

// The terms of a sum over rows, columns or all.
function summed(operand, entry, row, column, x) {
  const over = notationOf(entry);
  const [rows, columns] = [operand.rows, operand.columns];
  const place = { columns: (k) => [row, k], rows: (k) => [k, column], all: (k) => [k % rows, Math.floor(k / rows)] }[over];
  const count = { columns, rows, all: rows * columns }[over];
  const term = (k) => x(0, ...place(k));
  return sum(count, (k) => [factor(term(k), true)], (k) => term(k) === undefined);
}

// Terms with + between them; of many the first ones, and how many are left out.
function sum(count, term, isMissing) {
  const parts = [];
  let written = 0;
  for (let k = 0; k < count && written < TERMS_MOST && !isMissing(k); k++, written++) {
    if (k) parts.push("+");
    parts.push(...term(k));
  }
  if (written < count) parts.push(written ? "+" : "", say("rest", { n: count - written }));
  return parts;
}

// A function of single elements.
function elementwise(entry, values) {
  const name = notationName(entry);
  const details = notationOf(entry);
  const [a, b] = values.map((x) => factor(x, true));
  const bare = values.map((x) => shown(x, true));
  switch (name) {
    case "plus": return [bare[0], "+", b];
    case "difference": return [bare[0], "−", b];
    case "hadamard": return [a, "·", b];
    case "quotient": return [a, "/", b];
    case "power": return [a, "^", b];
    case "power_of": return [a, "^", inParentheses(details.replace(/-/g, "−"))];
    case "minus": return ["−", a];
    case "root": return ["√", a];
    case "absolute": return [`|${bare[0]}|`];
    case "exponential": return [`exp(${bare[0]})`];
    case "indicator": return [`[${bare[0]} ${details} ${bare[1]}]`];
    case "repeat": return [bare[0]];
    case "activation": return [`${details.name}${"′".repeat(details.primes)}(${bare.join(", ")})`];
    case "call": return [`${details}(${bare.join(", ")})`];
    default: return [`${entry.operation}(${bare.join(", ")})`];
  }
}

// "3.2 = 1 · 3 + 0.2"
function writtenLine(entry, row, column) {
  const value = valueOf(entry);
  const result = element(value, row, column);
  const parts = writtenOut(entry, row, column);
  const line = make("p", { class: "written", tabindex: "0", role: "group", "aria-label": say("written") });
  line.append(make("span", { class: "result", "data-value": result }, shown(result, true)));
  if (parts === null) line.append(` = ${entry.operation}(…)`);
  else if (parts.length) line.append(" = ", ...parts.map((part) => make("span", {}, `${part} `)));
  return line;
}
