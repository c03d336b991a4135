#!/usr/bin/env python3
"""Draws the figures of the guide: `python3 docs/guide/figures/draw.py`.

Each is written twice: NN.svg, which a forge shows, and NN.uri, the same as a data URI, which rustdoc can hold. A test keeps them equal
(crates/mlp/tests/guide.rs). Python's own library is enough.
"""
import math
import pathlib
import urllib.parse

HERE = pathlib.Path(__file__).parent
STYLE = (
    "text{font:14px sans-serif;fill:#1b1f24;text-anchor:middle}"
    ".box{fill:#fff;stroke:#57606a;stroke-width:1.4}"
    ".back{fill:#fff;stroke:#c75a00;stroke-width:1.8}"
    ".line{fill:none;stroke:#57606a;stroke-width:1.4}"
    ".run{fill:none;stroke:#c75a00;stroke-width:1.6;stroke-dasharray:5 3}"
    ".note{font-size:12px;fill:#57606a}"
    ".one{fill:#dbe9ff;stroke:#0a58ca;stroke-width:1.6}"
)


class Figure:
    def __init__(self, name, title, width, height):
        self.name, self.title, self.size, self.parts = name, title, (width, height), []

    def add(self, part):
        self.parts.append(part)

    def text(self, x, y, text, kind=""):
        self.add(f'<text x="{x:g}" y="{y:g}"{kind and f" class={chr(34)}{kind}{chr(34)}"}>{text}</text>')

    def box(self, x, y, text, kind="box", width=92, height=30):
        self.add(f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}" rx="6" class="{kind}"/>')
        self.text(x, y + 5, text)

    def arrow(self, x0, y0, x1, y1, kind="line"):
        length = math.hypot(x1 - x0, y1 - y0)
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        self.add(f'<path d="M{x0:g} {y0:g}L{x1:g} {y1:g}" class="{kind}"/>')
        back = [(x1 - 8 * dx - s * 4 * dy, y1 - 8 * dy + s * 4 * dx) for s in (1, -1)]
        colour = "#c75a00" if kind == "run" else "#57606a"
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(x1, y1), *back])
        self.add(f'<polygon points="{points}" fill="{colour}"/>')

    def curve(self, points, kind="line"):
        self.add(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" class="{kind}"/>')

    def cells(self, x, y, rows, columns, marked=None, size=18):
        for row in range(rows):
            for column in range(columns):
                kind = "one" if marked is not None and marked(row, column) else "box"
                self.add(f'<rect x="{x + column * size:g}" y="{y + row * size:g}" width="{size}" height="{size}" class="{kind}"/>')

    def write(self):
        width, height = self.size
        inner = "\n".join(self.parts)
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">\n'
            f"<title>{self.title}</title>\n<style>{STYLE}</style>\n"
            f'<rect width="{width}" height="{height}" rx="8" fill="#f6f7f9"/>\n{inner}\n</svg>\n'
        )
        (HERE / f"{self.name}.svg").write_text(svg)
        uri = "data:image/svg+xml," + urllib.parse.quote(svg, safe="/:=,;.-_!*'&?$@+")
        (HERE / f"{self.name}.uri").write_text(uri)


def row_and_back(figure, xs, forward, backward, below=64):
    """Forward from left to right, and under it backward."""
    for x, text in zip(xs, forward):
        figure.box(x, 36, text)
    for x, text in zip(xs, backward):
        if text:
            figure.box(x, 36 + below, text, "back")
    for a, b in zip(xs, xs[1:]):
        figure.arrow(a + 46, 36, b - 46, 36)
        figure.arrow(b - 46, 36 + below, a + 46, 36 + below, "run")


def chain_rule():
    figure = Figure("01", "The chain rule in one variable", 460, 150)
    row_and_back(figure, [80, 230, 380], ["x", "u = x²", "y = sin u"], ["∂y/∂x", "∂y/∂u", "1"])
    figure.text(155, 124, "· 2x", "note")
    figure.text(305, 124, "· cos u", "note")
    figure.text(230, 142, "forward: values; backward: the products of eq. 6", "note")
    return figure


def neuron():
    figure = Figure("02", "One neuron, forward and backward", 560, 190)
    for y, k in [(36, 1), (96, 2)]:
        figure.box(60, y, f"a_{k}")
        figure.text(142, y + (2 if k == 1 else 4), f"w_1{k}", "note")
    figure.arrow(106, 36, 188, 62)
    figure.arrow(106, 96, 188, 72)
    for x, text in [(234, "z_1"), (364, "a_1 = g(z_1)"), (494, "ℒ")]:
        figure.box(x, 66, text, width=100)
    figure.arrow(234, 24, 234, 51)
    figure.text(234, 18, "b_1", "note")
    figure.arrow(284, 66, 314, 66)
    figure.arrow(414, 66, 444, 66)
    for x, text in [(60, "∂ℒ/∂w_1k"), (234, "∂ℒ/∂z_1"), (364, "∂ℒ/∂a_1"), (494, "1")]:
        figure.box(x, 140, text, "back", width=100)
    figure.arrow(444, 140, 414, 140, "run")
    figure.arrow(314, 140, 284, 140, "run")
    figure.arrow(184, 140, 110, 140, "run")
    figure.text(429, 178, "eq. 8", "note")
    figure.text(299, 178, "· g′(z_1), eq. 10", "note")
    figure.text(147, 178, "· a_k, eq. 11", "note")
    return figure


def network():
    figure = Figure("03", "A network of two layers in a mirror", 560, 330)
    rows = [("a[2]", "∂ℒ/∂a[2]"), ("z[2]", "∂ℒ/∂z[2]"), ("a[1]", "∂ℒ/∂a[1]"), ("z[1]", "∂ℒ/∂z[1]")]
    figure.box(130, 24, "ℒ")
    figure.arrow(176, 24, 324, 66, "run")
    figure.text(262, 34, "eq. 8", "note")
    for k, (forward, backward) in enumerate(rows):
        y = 80 + 56 * k
        figure.box(130, y, forward)
        figure.box(370, y, backward, "back")
        figure.arrow(130, y - 15, 130, y - 41 if k else y - 41)
        if k:
            figure.arrow(370, y - 41, 370, y - 15, "run")
            figure.text(410, y - 24, ["", "eq. 16", "eq. 20", "eq. 16"][k], "note")
    figure.box(130, 304, "x = a[0]")
    figure.arrow(130, 289, 130, 263)
    for y, l in [(136, 2), (248, 1)]:
        figure.text(42, y + 4, f"W[{l}], b[{l}]", "note")
        figure.box(500, y - 17, f"∂ℒ/∂W[{l}]", "back")
        figure.box(500, y + 17, f"∂ℒ/∂b[{l}]", "back")
        figure.arrow(416, y - 2, 452, y - 14, "run")
        figure.arrow(416, y + 2, 452, y + 14, "run")
    figure.text(500, 300, "eq. 15 and 16", "note")
    return figure


def examples():
    figure = Figure("04", "Examples are columns", 560, 190)
    chosen = lambda row, column: column == 1
    for x, rows, label in [(40, 2, "X = A[0]"), (190, 3, "Z[1]"), (340, 3, "A[1]")]:
        figure.cells(x, 30 + 9 * (3 - rows), rows, 4, chosen)
        figure.text(x + 36, 104, label)
    figure.arrow(116, 57, 184, 57)
    figure.text(150, 50, "W[1] *", "note")
    figure.text(150, 72, "+ b[1]", "note")
    figure.arrow(266, 57, 334, 57)
    figure.text(300, 50, "g", "note")
    figure.text(489, 52, "example 2 is a column", "note")
    figure.text(489, 70, "of each", "note")
    figure.cells(148, 124, 3, 2, size=16)
    figure.text(106, 152, "∂J/∂W[1]")
    figure.text(210, 152, "= 1/m ·")
    figure.cells(242, 124, 3, 4, chosen, size=16)
    figure.text(316, 152, "*")
    figure.cells(326, 116, 4, 2, lambda row, column: row == 1, size=16)
    figure.text(452, 146, "the product adds up", "note")
    figure.text(452, 164, "the examples (eq. 26)", "note")
    return figure


def training():
    figure = Figure("05", "A step of training", 560, 130)
    for x, text in [(100, "a batch of X, Y"), (280, "J and its gradients"), (460, "W ← W − η · ∂J/∂W")]:
        figure.box(x, 44, text, "back" if x == 280 else "box", width=140)
    figure.arrow(170, 44, 210, 44)
    figure.arrow(350, 44, 390, 44)
    figure.curve([(460, 59), (460, 96), (100, 96), (100, 66)])
    figure.arrow(100, 70, 100, 59)
    figure.text(280, 90, "and again: batch after batch is an epoch", "note")
    figure.text(100, 22, "select_columns", "note")
    figure.text(280, 22, "run", "note")
    figure.text(460, 22, "update", "note")
    return figure


def second_order():
    """A valley with curvatures 1 and 12, and gradient descent with a rate of 0.15: what is drawn is computed."""
    figure = Figure("06", "Gradient descent and Newton's step in a valley", 560, 220)
    place = lambda x, y: (280 + 85 * x, 110 - 85 * y)
    for level in [0.3, 1.2, 2.7, 4.6]:
        a, b = math.sqrt(2 * level), math.sqrt(2 * level / 12)
        figure.curve([place(a * math.cos(t / 40 * math.tau), b * math.sin(t / 40 * math.tau)) for t in range(41)])
    x, y = -2.6, 0.75
    points = [(x, y)]
    for _ in range(14):
        x, y = x - 0.15 * x, y - 0.15 * 12 * y
        points.append((x, y))
    figure.curve([place(*point) for point in points], "run")
    figure.arrow(*place(*points[0]), *place(0, 0))
    figure.text(*place(-2.6, 1.02), "w", "note")
    figure.text(*place(0.62, -0.02), "minimum", "note")
    figure.text(140, 208, "dashed: w ← w − η · ∂J/∂w", "note")
    figure.text(420, 208, "straight: H · d = −∂J/∂w", "note")
    return figure


def own_model():
    figure = Figure("07", "A residual block", 560, 140)
    for x, text in [(70, "H[l−1]"), (200, "W * · + b"), (300, "tanh"), (390, "V * ·")]:
        figure.box(x, 90, text, width=80)
    figure.box(490, 90, "H[l]", width=60)
    figure.add('<circle cx="447" cy="36" r="11" class="box"/>')
    figure.text(447, 41, "+")
    for a, b in [(110, 160), (240, 260), (340, 350)]:
        figure.arrow(a, 90, b, 90)
    figure.curve([(70, 75), (70, 36), (428, 36)])
    figure.arrow(420, 36, 436, 36)
    figure.arrow(424, 75, 441, 47)
    figure.arrow(456, 44, 480, 74)
    figure.text(240, 28, "unchanged", "note")
    figure.text(240, 128, "∂ℒ/∂H[l−1] is a sum of two ways: eq. 7", "note")
    return figure


def testing():
    """The error of a central difference of sin at 1, computed."""
    figure = Figure("08", "The error of a difference over its step", 560, 220)
    place = lambda power, error: (60 + 34 * -power, 185 - 11 * (math.log10(max(error, 1e-13)) + 13))
    points = []
    for quarter in range(2, 57):
        h = 10.0 ** (-quarter / 4)
        error = abs((math.sin(1 + h) - math.sin(1 - h)) / (2 * h) - math.cos(1))
        points.append(place(-quarter / 4, error))
    figure.curve(points, "run")
    figure.arrow(60, 190, 550, 190)
    figure.arrow(60, 190, 60, 20)
    for power in range(-2, -14, -2):
        figure.text(place(power, 1)[0], 208, f"1e{power}", "note")
    for power in range(-12, 0, 4):
        figure.text(34, place(0, 10.0**power)[1] + 4, f"1e{power}", "note")
    figure.text(96, 16, "error", "note")
    figure.text(530, 180, "step h", "note")
    figure.text(170, 60, "h²", "note")
    figure.text(420, 70, "ε/h", "note")
    return figure


FIGURES = [chain_rule, neuron, network, examples, training, second_order, own_model, testing]

if __name__ == "__main__":
    for figure in FIGURES:
        figure().write()
