// The graph in a mirror. Where each node stands is in the document; here it is drawn.

const SVG = "http://www.w3.org/2000/svg";
const CLOSED = 44; // the height of a layer that is closed
const HEAD = 26;
const BAND_GAP = 6;
const openedBands = new Map();

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function bandIsOpen(band) {
  if (openedBands.has(band)) return openedBands.get(band);
  return tape.graph.nodes.length <= LONG || shownEntry().band === band;
}

// The top of each layer; the first is at the bottom.
function bandTops() {
  const tops = [];
  let top = HEAD;
  for (let band = tape.bands.length - 1; band >= 0; band--) {
    tops[band] = top;
    top += (bandIsOpen(band) ? tape.bands[band].height : CLOSED) + BAND_GAP;
  }
  return [tops, top];
}

function renderGraph() {
  const section = document.getElementById("graph");
  const [tops, height] = bandTops();
  const before = section.querySelector(".scroll");
  const [scrolled, scrolledDown] = [before?.scrollLeft ?? 0, before?.scrollTop ?? null];
  const drawing = svg("svg", { width: tape.graph.width, height, viewBox: `0 0 ${tape.graph.width} ${height}`, role: "group", "aria-label": say("graph") });
  const places = nodePlaces(tops);
  drawing.append(arrowHead(), ...sideTitles(), ...tape.bands.map((_, band) => bandRect(band, tops[band])), edges(places), nodes(places));
  const box = scroller(say("graph"), drawing);
  section.replaceChildren(make("h2", {}, say("graph")), make("p", { class: "note" }, say("graph_note")), box);
  section.setAttribute("aria-label", say("graph"));
  box.scrollLeft = scrolled;
  box.scrollTop = scrolledDown ?? height; // up from the first layer
  showNode(box, places.get(shownEntry().id));
}

// Scrolls the graph, and nothing else, so that a node can be seen.
function showNode(box, node) {
  if (!node) return;
  const margin = 12;
  if (node.x - margin < box.scrollLeft) box.scrollLeft = node.x - margin;
  else if (node.x + node.width + margin > box.scrollLeft + box.clientWidth) box.scrollLeft = node.x + node.width + margin - box.clientWidth;
  if (node.y - margin < box.scrollTop) box.scrollTop = node.y - 4 * margin;
  else if (node.y + node.height + margin > box.scrollTop + box.clientHeight) box.scrollTop = node.y + node.height + 4 * margin - box.clientHeight;
}

// Where the nodes are; those of a closed layer are in its middle and are not drawn.
function nodePlaces(tops) {
  const [width, height] = tape.graph.node;
  const places = new Map();
  for (const node of tape.graph.nodes) {
    const isShown = bandIsOpen(node.band);
    const y = isShown ? tops[node.band] + node.y : tops[node.band] + CLOSED / 2 - height / 2;
    places.set(node.entry, { x: node.x, y, width, height, isShown, side: node.side });
  }
  return places;
}

function sideTitles() {
  const firsts = new Map();
  for (const node of tape.graph.nodes) firsts.set(node.side, node.x);
  return [...firsts].map(([side, x]) => svg("text", { x: x + tape.graph.node[0] / 2, y: 15, class: "side" }, say(`sides.${side}`)));
}

// A layer, with its name on the left, which opens and closes it.
function bandRect(band, top) {
  const isShown = bandIsOpen(band);
  const height = isShown ? tape.bands[band].height : CLOSED;
  const group = svg("g", { class: "band" }, svg("rect", { x: 1, y: top, width: tape.graph.width - 2, height, rx: 6 }));
  if (tape.bands.length < 2) return group;
  const middle = top + height / 2;
  const label = isShown
    ? svg("text", { x: 26, y: middle, class: "band-label", transform: `rotate(-90 22 ${middle})` }, bandName(band))
    : svg("text", { x: 26, y: middle + 5, class: "band-label closed" }, `▸ ${bandName(band)}`);
  const button = svg("g", { role: "button", tabindex: "0", class: "band-button", "data-band": band, "aria-expanded": String(isShown), "aria-label": `${bandName(band)}, ${say(isShown ? "open" : "closed")}` },
    svg("rect", { x: 2, y: top + 1, width: isShown ? 44 : tape.graph.width - 4, height: height - 2, rx: 5, class: "target" }), label);
  button.addEventListener("click", () => toggleBand(band, isShown));
  group.append(button);
  return group;
}

function toggleBand(band, wasShown) {
  openedBands.set(band, !wasShown);
  renderGraph();
  document.querySelector(`#graph [data-band="${band}"]`)?.focus();
}

function arrowHead() {
  return svg("defs", {}, svg("marker", { id: "arrow", viewBox: "0 0 6 6", refX: 5, refY: 3, markerWidth: 5, markerHeight: 5, orient: "auto-start-reverse" }, svg("path", { d: "M0 0L6 3L0 6z" })));
}

// From operands to entries; those of the entry that is looked at are strong, and so are those of the
// forward entry whose rule recorded it, along which the derivative runs back.
function edges(places) {
  const group = svg("g", { class: "edges" });
  const here = shownEntry();
  const mirrored = here.origin?.by === "rule" ? here.origin.at : null;
  const strong = [];
  for (const entry of tape.entries) {
    const to = places.get(entry.id);
    if (!to) continue;
    for (const id of new Set(entry.operands)) {
      const from = places.get(id);
      if (!from || (!from.isShown && !to.isShown)) continue;
      const isHere = entry.id === here.id;
      const names = ["edge", isHere && "here", entry.id === mirrored && "mirrored", id === here.id && "used"].filter(Boolean);
      const path = svg("path", { d: curve(from, to), class: names.join(" "), "marker-end": isHere ? "url(#arrow)" : undefined });
      if (names.length > 1) strong.push(path);
      else group.append(path);
    }
  }
  group.append(...strong);
  return group;
}

// Up, down or across: from the edge of one node to that of the other.
function curve(from, to) {
  const [ax, ay] = [from.x + from.width / 2, from.y + from.height / 2];
  const [bx, by] = [to.x + to.width / 2, to.y + to.height / 2];
  if (Math.abs(ax - bx) < 4) {
    const isUp = by < ay;
    const [y0, y1] = isUp ? [from.y, to.y + to.height] : [from.y + from.height, to.y];
    // Past the next node it goes around.
    const bend = Math.abs(y1 - y0) > 60 ? (isUp ? -0.42 : 0.42) * from.width : 0;
    return `M${ax} ${y0}C${ax + bend} ${(2 * y0 + y1) / 3} ${ax + bend} ${(y0 + 2 * y1) / 3} ${bx} ${y1}`;
  }
  const isRight = bx > ax;
  const [x0, x1] = isRight ? [from.x + from.width, to.x] : [from.x, to.x + to.width];
  const middle = (x0 + x1) / 2;
  return `M${x0} ${ay}C${middle} ${ay} ${middle} ${by} ${x1} ${by}`;
}

function nodes(places) {
  const group = svg("g", { class: "nodes" });
  for (const [id, box] of places) {
    if (box.isShown) group.append(node(entryOf(id), box));
  }
  return group;
}

function node(entry, { x, y, width, height, side }) {
  const isHere = entry === shownEntry();
  const isWrong = isBad(entry);
  const name = entry.is_named ? entry.name : `%${entry.id}`;
  const classes = ["node", side, isHere && "here", isWrong && "bad", marksOf(entry.id).length && "marked"].filter(Boolean);
  const group = svg("g", { class: classes.join(" "), role: "button", tabindex: isHere ? "0" : "-1", "data-entry": entry.id, "aria-label": `${name}, ${entry.leaf ?? entry.sign}`, "aria-current": isHere ? "step" : undefined },
    svg("rect", { x, y: y - 7, width, height: height + 14, class: "target" }),
    svg("rect", { class: "shape", x, y, width, height, rx: entry.leaf === undefined ? height / 2 : 3 }),
    svg("text", { x: x + width / 2, y: y + height / 2 + 4 }, `${isWrong ? "⚠ " : ""}${short(entry)}`));
  group.addEventListener("click", () => { goTo(entry.id); render({ toNode: true }); });
  return group;
}

// What fits into a node.
function short(entry) {
  const text = entry.is_named ? entry.name : oneOperation(entry);
  const letters = [...text];
  return letters.length > 14 ? `${letters.slice(0, 13).join("")}…` : text;
}

// "1/m ·", "Aᵀ", "+"
function oneOperation(entry) {
  const text = definition(entry);
  return [...text].length <= 14 ? text : entry.sign;
}
