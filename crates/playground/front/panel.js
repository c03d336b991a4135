// The panel: what can be changed, trained, checked. It stands above the page's parts.

const PARTS = { network: networkPart, train: trainPart, edit: cellsPart, check: checkPart, exercises: exercisesPart };
let opened = "train"; // one part at a time, so that the derivation stays in sight

// Says a sentence to whoever listens.
function say_(text) {
  document.getElementById("play-spoken").textContent = text;
}

// Does what may fail; what is wrong is said beside the part that it is about.
function attempt(act, part = null) {
  try {
    act();
    complain(part, "");
    if (part) drawPart(part);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return stopped(error);
    const of = { sizes: "network", g: "network", loss: "network", set: "network", seed: part ?? "network", rate: "train", steps: "train" };
    const at = error.at ? `${error.at}: ` : "";
    complain(of[error.at?.split("[")[0]] ?? part ?? "edit", at + told_(error.message));
  }
  return undefined;
}

// The engine is started anew, since what it was doing has no end.
function stopped(error) {
  complain("network", word("failed", { why: error.message }));
  start();
}

let complaint = [null, ""];

function complain(part, text) {
  complaint = [part, text];
  for (const at of document.querySelectorAll("#playground .complaint")) at.textContent = at.dataset.part === part ? text : "";
  if (text) say_(text);
}

// ---- The network.

function networkPart() {
  const field = (label, input) => make("label", {}, label, input);
  const { state } = derived;
  const sizes = make("input", { id: "sizes", value: state.sizes.join("-"), spellcheck: "false", oninput: (event) => setSizes(event.target.value) });
  const g = state.g.map((text, i) => field(word("activation", { l: i + 1 }), make("input", { id: `g-${i + 1}`, value: text, list: "activations", spellcheck: "false", title: word("formula"), oninput: (event) => setActivation(i, event.target.value) })));
  const choice = (id, options, chosen, onchange) => make("select", { id, onchange: (event) => onchange(event.target.value) }, ...options.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
  const losses = Object.entries(WORDS[language()].losses);
  const sets = Object.entries(WORDS[language()].sets);
  return make("div", { class: "fields" }, field(word("sizes"), sizes), ...g,
    field(word("loss"), choice("loss", losses, state.loss, (loss) => attempt(() => derive({ ...asked, loss })))),
    field(word("data"), choice("set", sets, state.set, setData)),
    field(word("seed"), make("input", { id: "seed", type: "number", min: 0, max: 2 ** 31, step: 1, value: state.seed, oninput: (event) => setSeed(event.target.value) })),
    make("datalist", { id: "activations" }, ...ACTIVATIONS.map((name) => make("option", { value: name }))), make("p", { class: "note" }, word("formula")));
}

const ACTIVATIONS = ["tanh", "sigmoid", "relu", "leaky_relu(0.1)", "elu", "softplus", "silu", "gelu_erf", "gelu_tanh", "sin", "identity", "z * tanh(z)", "z / (1 + |z|)", "1 / (1 + z^2)"];

// Other sizes are another network: what was edited of its parameters does not fit, and is drawn anew.
function setSizes(text) {
  const sizes = text.split(/[^0-9]+/).filter(Boolean).map(Number);
  const { parameters, ...state } = asked;
  const layers = Math.max(sizes.length - 1, 0);
  const last = asked.g[asked.g.length - 1];
  const hidden_ = asked.g.slice(0, -1);
  const g = Array.from({ length: layers }, (_, i) => (i === layers - 1 ? last : hidden_[Math.min(i, hidden_.length - 1)] ?? "tanh"));
  attempt(() => derive({ ...state, sizes, g }));
}

function setActivation(i, text) {
  attempt(() => derive({ ...asked, g: asked.g.map((g, k) => (k === i ? text : g)) }));
}

function setData(set) {
  const { x, y, ...state } = asked;
  const own = set === "own" ? { x: derived.state.x, y: derived.state.y } : {};
  attempt(() => derive({ ...state, ...own, set }));
}

// Another seed draws all that is drawn.
function setSeed(text) {
  const { parameters, ...state } = asked;
  if (/^\d{1,10}$/.test(text)) attempt(() => derive({ ...state, seed: Number(text) }));
}

// ---- Training.

let rate = 0.5;

function trainPart() {
  const button = (id, text, onclick, disabled = false) => make("button", { type: "button", id, onclick, disabled }, text);
  const rateInput = make("input", { id: "rate", value: rate, inputmode: "decimal", oninput: (event) => { rate = readNumber(event.target.value) ?? rate; } });
  const steps = (count) => () => attempt(() => train(count, rate));
  const buttons = make("div", { class: "buttons" }, button("train-1", word("one"), steps(1)), button("train-10", word("ten"), steps(10)),
    button("undo", word("undo"), () => attempt(undo), past.length === 0), button("rewind", word("rewind"), () => attempt(rewind), !asked.parameters));
  const controls = make("div", { class: "controls" }, make("label", {}, word("rate"), rateInput), buttons,
    make("p", { id: "j" }, `${word("j", { j: shown(derived.j) })} · ${word("derived", { ms: took.toFixed(0) })}`));
  return make("div", { class: "pictures" }, controls, curvePicture(), planePicture());
}

function drawPlane(hadFocus) {
  drawPart("train");
  if (hadFocus) document.getElementById("plane")?.focus();
}

// ---- Drawing.

const TITLES = { network: "network", train: "train", edit: "edit", check: "check", exercises: "exercises" };

function drawPanel() {
  const panel = document.getElementById("playground");
  panel.setAttribute("aria-label", word("playground"));
  const part = (name) => make("details", { id: `part-${name}`, name: "part", open: opened === name, ontoggle: (event) => { if (event.target.open) opened = name; } },
    make("summary", {}, word(TITLES[name])), make("p", { class: "complaint", "data-part": name }, complaint[0] === name ? complaint[1] : ""), make("div", { class: "body" }));
  panel.replaceChildren(...Object.keys(PARTS).map(part));
  for (const name of Object.keys(PARTS)) drawPart(name);
}

// Draws a part anew; the field that has the keyboard stays as it is.
function drawPart(name) {
  const body = document.querySelector(`#part-${name} .body`);
  const active = document.activeElement;
  if (body.contains(active) && active.matches("input, textarea")) return updateAround(name, body);
  const focused = body.contains(active) ? active.id : "";
  body.replaceChildren(PARTS[name]());
  if (focused) document.getElementById(focused)?.focus();
  return undefined;
}

// While somebody types, what is beside the field is drawn, and not the field.
function updateAround(name, body) {
  if (name !== "network") return;
  const fresh = networkPart();
  const kept = document.activeElement;
  for (const input of fresh.querySelectorAll("input, select")) {
    const old = input.id && body.querySelector(`#${CSS.escape(input.id)}`);
    if (input.id === kept.id) continue;
    if (old) old.value = input.value;
  }
  if (fresh.querySelectorAll("label").length !== body.querySelectorAll("label").length) {
    const [from, to] = [kept.selectionStart, kept.selectionEnd];
    const { id, value } = kept;
    body.replaceChildren(fresh);
    const again = document.getElementById(id);
    if (again) {
      again.value = value;
      again.focus();
      if (from !== null && again.type !== "number") again.setSelectionRange(from, to);
    }
  }
}

// After a state was shown.
function drawState() {
  for (const name of ["network", "train", "edit"]) drawPart(name);
}

// ---- What the page asks for.

window.engine = {
  address,
  edit(place) {
    const entry = derived.document.entries[place.entry];
    edit(entry.name, ...place.cell);
  },
  check() {
    document.getElementById("part-check").open = true;
    document.getElementById("equation-typed").focus();
  },
};

// Somebody has gone back, or pasted a link.
function addressChanged() {
  const state = fromAddress() ?? FIRST;
  if (derived && JSON.stringify(state) !== JSON.stringify(asked)) attempt(() => derive(state));
}

async function main() {
  const panel = make("section", { id: "playground" });
  document.querySelector("main").before(panel, make("p", { id: "play-spoken", role: "status", "aria-live": "polite", class: "spoken" }));
  panel.append(make("p", {}, word("starting")));
  const began = performance.now();
  // The keys of a field are the field's.
  panel.addEventListener("keydown", (event) => { if (event.target.matches("input, textarea, select") && event.key !== "Escape") event.stopPropagation(); });
  try {
    await start();
    try {
      derived = ask({ do: "derive", state: asked, quickly: true });
    } catch {
      asked = FIRST; // the address holds no state
      derived = ask({ do: "derive", state: asked, quickly: true });
    }
  } catch (error) {
    panel.replaceChildren(make("p", { class: "complaint" }, word("failed", { why: error.message })));
    return;
  }
  curve = [];
  drawPanel();
  window.page.show(derived.document);
  took = performance.now() - began;
  document.documentElement.dataset.engine = took.toFixed(0);
  drawState();
  askLater();
  say_(word("ready", { ms: took.toFixed(0) }));
  window.addEventListener("hashchange", addressChanged);
  let drawnIn = language();
  const redraw = () => { if (drawnIn !== language()) { drawnIn = language(); drawPanel(); } };
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["lang"] });
}

main();
