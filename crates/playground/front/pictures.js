// The loss curve, and the plane with what the network says of it.

function curvePicture() {
  const figure = make("figure", {}, make("figcaption", {}, word("curve")));
  const values = curve.filter((x) => typeof x === "number");
  if (values.length < 2) return figure.append(make("p", { class: "note" }, word("no_curve"))), figure;
  const [width, height, edge] = [300, 130, 6];
  const [low, high] = [Math.min(0, ...values), Math.max(...values)];
  const x = (i) => edge + ((width - 2 * edge) * i) / (values.length - 1);
  const y = (j) => height - edge - ((height - 2 * edge) * (j - low)) / (high - low || 1);
  const path = values.map((j, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(j).toFixed(1)}`).join("");
  const title = `${word("curve")}: ${shown(values[0])} → ${shown(values[values.length - 1])}`;
  figure.append(svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title, class: "curve" },
    svg("path", { d: `M${edge} ${y(0)}H${width - edge}`, class: "axis" }), svg("path", { d: path, class: "line" }),
    svg("circle", { cx: x(values.length - 1), cy: y(values[values.length - 1]), r: 3.5 })));
  figure.append(make("p", { class: "note" }, title));
  return figure;
}

let cross = [0.5, 0.5]; // where in the plane the keyboard is, from 0 to 1
let newClass = 1;

// Where a share of the plane is in its units.
const at = ([low, high], share) => low + (high - low) * share;

function planePicture() {
  const { boundary } = derived;
  if (!boundary) return null;
  const canvas = make("canvas", { width: boundary.side, height: boundary.side, "aria-hidden": "true" });
  paint(canvas, boundary);
  const points = svg("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" });
  const { x, y } = derived.state;
  for (let i = 0; i < x[0].length; i++) points.append(point(boundary, x[0][i], x[1][i], classOf(y, i)));
  points.append(svg("path", { d: `M${100 * cross[0] - 3} ${100 * cross[1]}h6M${100 * cross[0]} ${100 * cross[1] - 3}v6`, class: "cross" }));
  const plane = make("div", { class: "plane", id: "plane", tabindex: "0", role: "application", "aria-label": `${word("plane")}. ${word("plane_help")}`, onkeydown: onPlaneKey, onclick: onPlaneClick }, canvas, points);
  const classes = make("label", {}, word("point_class"), " ", make("select", { id: "point-class", onchange: (event) => { newClass = Number(event.target.value); } },
    ...[0, 1].map((k) => make("option", { value: k, selected: k === newClass }, String(k)))));
  const beside = make("div", { class: "beside" }, make("p", { id: "plane-at" }, atCross()), classes, make("p", { class: "note" }, word("plane_help")));
  return make("figure", { class: "of-plane" }, make("figcaption", {}, word("plane")), make("div", { class: "row" }, plane, beside));
}

function classOf(y, i) {
  if (y.length === 1) return Number(y[0][i] >= 0.5);
  return y.reduce((best, row, k) => (row[i] > y[best][i] ? k : best), 0);
}

// A class is a colour and a form.
function point(boundary, a, b, k) {
  const share = ([low, high], value) => (100 * (value - low)) / (high - low);
  const [cx, cy] = [share(boundary.first, a), 100 - share(boundary.second, b)];
  if (k === 0) return svg("circle", { cx, cy, r: 1.8, class: "class0" });
  return svg("path", { d: `M${cx} ${cy - 2.3}l2.2 4.1h-4.4z`, class: `class${Math.min(k, 1)}` });
}

// Orange below one half, blue above it, paler near it.
function paint(canvas, { side, values, classes }) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  values.forEach((value, k) => {
    const share = classes ? value / Math.max(classes - 1, 1) : value;
    const known = typeof share === "number";
    const from = Math.min(Math.max(known ? share : 0.5, 0), 1);
    const [r, g, b] = from < 0.5 ? [255, 154, 77] : [90, 162, 255];
    image.data.set([r, g, b, known ? 30 + 150 * Math.abs(from - 0.5) * 2 : 0], 4 * k);
  });
  context.putImageData(image, 0, 0);
}

function atCross() {
  const { first, second, side, values } = derived.boundary;
  const cell = (share) => Math.min(side - 1, Math.floor(share * side));
  const out = values[cell(cross[1]) * side + cell(cross[0])];
  return word("at", { a: shown(at(first, cross[0])), b: shown(at(second, 1 - cross[1])), out: shown(out) });
}

function onPlaneKey(event) {
  const by = { ArrowLeft: [-0.025, 0], ArrowRight: [0.025, 0], ArrowUp: [0, -0.025], ArrowDown: [0, 0.025] }[event.key];
  const inside = (share) => Math.min(Math.max(share, 0), 1);
  if (by) {
    cross = [inside(cross[0] + by[0]), inside(cross[1] + by[1])];
    drawPlane(true);
    say_(atCross());
  } else if (event.key === "0" || event.key === "1") putPoint(Number(event.key));
  else if (event.key === "Delete" || event.key === "Backspace") takePoint();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function onPlaneClick(event) {
  const box = event.currentTarget.getBoundingClientRect();
  cross = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  putPoint(newClass);
}

// Points of one's own: what is there, and one more.
function putPoint(k) {
  const { first, second } = derived.boundary;
  const rounded = (value) => Number(value.toFixed(3));
  const { x, y } = derived.state;
  const columns = [[...x[0], rounded(at(first, cross[0]))], [...x[1], rounded(at(second, 1 - cross[1]))]];
  const labels = y.map((row, i) => [...row, y.length === 1 ? k : Number(i === k)]);
  attempt(() => derive({ ...asked, set: "own", x: columns, y: labels }));
  document.getElementById("plane")?.focus();
}

function takePoint() {
  const { first, second } = derived.boundary;
  const { x, y } = derived.state;
  if (x[0].length < 2) return;
  const far = (i) => Math.hypot(x[0][i] - at(first, cross[0]), x[1][i] - at(second, 1 - cross[1]));
  const nearest = x[0].reduce((best, _, i) => (far(i) < far(best) ? i : best), 0);
  const without = (rows) => rows.map((row) => row.filter((_, i) => i !== nearest));
  attempt(() => derive({ ...asked, set: "own", x: without(x), y: without(y) }));
  document.getElementById("plane")?.focus();
}
