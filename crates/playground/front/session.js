// The state that is shown, those before it, and the address that leads to it.

const FIRST = { sizes: [2, 4, 1], g: ["tanh", "sigmoid"], loss: "log_loss", seed: 0, set: "xor" };
const MOST_UNDO = 200;

// What was asked for, a short state: at first what the address holds, before the page writes its own into it.
let asked = fromAddress() ?? FIRST;
let derived = null; // the answer to it
let curve = []; // J before each step, and now
let took = 0; // milliseconds
const past = [];

// Asks for a state, and shows it. What cannot be derived is said at its place, and nothing changes.
function derive(state, { keep = true, curveTo = [] } = {}) {
  const began = performance.now();
  const answer = ask({ do: "derive", state, quickly: true });
  settle(state, answer, { keep, curveTo, began });
}

function settle(state, answer, { keep, curveTo, began }) {
  if (keep && derived) past.push([asked, curve]);
  if (past.length > MOST_UNDO) past.shift();
  [asked, derived, curve] = [state, answer, curveTo];
  window.page.show(answer.document);
  took = performance.now() - began;
  drawState();
  askLater();
}

// Once nobody types any more, differences are asked for: they take longer than all else.
const PAUSE = 600;
let waiting = null;

function askLater() {
  clearTimeout(waiting);
  waiting = setTimeout(askForDifferences, PAUSE);
}

function askForDifferences() {
  derived = ask({ do: "derive", state: asked });
  window.page.show(derived.document);
}

function train(steps, rate) {
  const began = performance.now();
  const answer = ask({ do: "train", state: asked, steps, rate });
  const to = [...(curve.length ? curve.slice(0, -1) : []), ...answer.before, answer.j];
  settle({ ...asked, parameters: answer.state.parameters }, answer, { keep: true, curveTo: to, began });
}

function undo() {
  const before = past.pop();
  if (before) derive(before[0], { keep: false, curveTo: before[1] });
}

// The same network as it was drawn.
function rewind() {
  const { parameters, ...state } = asked;
  derive(state);
}

// The state with other rows of X, Y, W or b.
function withMatrix(state, name, rows) {
  if (name === "X") return { ...state, x: rows };
  if (name === "Y") return { ...state, y: rows };
  return { ...state, parameters: { ...(state.parameters ?? {}), [name]: rows } };
}

// The rows of X, Y, W or b as they are now; undefined of all else.
function rowsOf(name) {
  const { state } = derived;
  const rows = { X: state.x, Y: state.y }[name] ?? state.parameters[name];
  return rows?.map((row) => [...row]);
}

const editable = () => ["X", "Y", ...Object.keys(derived.state.parameters)];

// ---- The address: `net` is the state, in base64 that an address can hold.

function packed(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function unpacked(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null; // not of this page
  }
}

// What the address holds beside the step; nothing of a state that nobody has changed.
function address() {
  return asked === FIRST ? {} : { net: packed(asked) };
}

function fromAddress() {
  const text = new URLSearchParams(location.hash.slice(1)).get("net");
  return (text && unpacked(text)) || null;
}
