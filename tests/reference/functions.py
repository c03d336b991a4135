"""Writes the reference values of tests/laws/functions.rs beside this file: functions.txt, zeros.txt, sigmoid_minus.txt and powers.txt.

    python3 tests/reference/functions.py            # needs mpmath; takes a minute or two

Every value is computed with 800 digits from the definition of the function, and every derivative as a difference of such
values; no derivative's formula stands here. A value is written as the nearest
f64 and what that lacks, with ten digits: "0.1+5.55e-18".
"""

import os
import random
import sys

from mpmath import mp, mpf, ldexp, frexp

mp.dps = 800

HERE = os.path.dirname(os.path.abspath(__file__))
INFINITY = mpf("inf")


def single(x):
    """The nearest number that f32 has too, so that one table serves both types."""
    m, e = frexp(mpf(x))
    e = max(int(e), -125)
    return float(ldexp(mp.nint(ldexp(mpf(x), 24 - e)), e - 24))


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def ncdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def gelu_tanh(x):
    return x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)))


# name: (function, domain); "all" numbers, "positive" ones, or "moderate" ones.
FUNCTIONS = {
    "exp": (mp.exp, "all"),
    "ln": (mp.ln, "positive"),
    "sqrt": (mp.sqrt, "positive"),
    "square": (lambda x: x * x, "all"),
    "power 2.5": (lambda x: x ** mpf("2.5"), "positive"),
    "power -0.75": (lambda x: x ** mpf("-0.75"), "positive"),
    "whole 3": (lambda x: x**3, "all"),
    "whole 7": (lambda x: x**7, "all"),
    "whole -2": (lambda x: 1 / (x * x), "nonzero"),
    "sin": (mp.sin, "moderate"),
    "cos": (mp.cos, "moderate"),
    "erf": (mp.erf, "all"),
    "elu 1.5": (lambda x: x if x > 0 else mpf("1.5") * mp.expm1(x), "nonzero"),
    "sigmoid": (sigmoid, "all"),
    "log_sigmoid": (lambda x: -mp.log1p(mp.exp(-x)), "all"),
    "tanh": (mp.tanh, "all"),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), "all"),
    "silu": (lambda x: x * sigmoid(x), "all"),
    "gelu": (lambda x: x * ncdf(x), "all"),
    "gelu_tanh": (gelu_tanh, "all"),
    "normal_pdf": (lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi), "all"),
}


def points(domain, generator, count):
    """Numbers of both types: some special, the others drawn, most of them where functions have their shape."""
    fixed = [0.0, 1e-30, 1e-4, 0.5, 1.0, 2.0, 3.0, 13.0, 17.5, 26.0, 37.5, 40.0, 88.0, 103.0, 700.0, 730.0, 1e4, 1e10, 2e19, 3e38]
    drawn = [10 ** generator.uniform(-6, 2.5) for _ in range(count)] + [generator.uniform(0, 6) for _ in range(count)]
    numbers = [single(x) for x in fixed + drawn]
    if domain == "positive":
        return [x for x in numbers if x > 0]
    both = [s * x for x in numbers for s in (1, -1) if (x, s) != (0.0, -1)]
    if domain == "moderate":
        return [x for x in both if abs(x) < 1e6]
    return [x for x in both if x != 0 or domain == "all"]


def written(value):
    nearest = float(value)
    if nearest in (float("inf"), float("-inf")):
        return repr(nearest)
    rest = value - mpf(nearest)
    # Below the normal numbers of f64 no digits are asked for.
    return repr(nearest) + mp.nstr(rest, 10, show_zero_exponent=False).join(["" if rest < 0 else "+", ""])


def derivatives(f, x):
    """f, f′, f″ and f‴ at x by central differences. With a step h of 10^-160 their error is about h² = 10^-320 of what f changes by, and
    their noise 10^-800/h³ of f: of both nothing is left in a normal f64."""
    x = mpf(x)
    h = abs(x or 1) * mpf(10) ** -160
    f2, f1, f0, g1, g2 = (f(x + k * h) for k in (2, 1, 0, -1, -2))
    return [f0, (f1 - g1) / (2 * h), (f1 - 2 * f0 + g1) / h**2, (f2 - 2 * f1 + 2 * g1 - g2) / (2 * h**3)]


def functions(count):
    generator = random.Random(1)
    with open(os.path.join(HERE, "functions.txt"), "w") as out:
        for name, (f, domain) in FUNCTIONS.items():
            for x in points(domain, generator, count):
                row = " ".join(written(v) for v in derivatives(f, x))
                out.write(f"{name.replace(' ', ':')} {x!r} {row}\n")
            print(name, file=sys.stderr)


# Where a derivative of a function is 0, about: the order, and the number.
ZEROS = [
    ("silu", 1, -1.2784645427610738),
    ("silu", 2, 2.3993572805154675),
    ("silu", 2, -2.3993572805154675),
    ("gelu", 1, -0.7517915246935645),
    ("gelu", 2, 1.4142135623730951),
    ("gelu", 3, -2.0),
    ("gelu_tanh", 1, -0.7524614220710163),
    ("gelu_tanh", 2, 1.4185040087908283),
    ("normal_pdf", 2, -1.0),
    ("normal_pdf", 3, 1.7320508075688772),
    ("erf", 3, 0.7071067811865476),
]


def zeros(count):
    """Derivatives next to their zeros, at the very next numbers too."""
    generator = random.Random(4)
    with open(os.path.join(HERE, "zeros.txt"), "w") as out:
        for name, order, zero in ZEROS:
            for kind, number, least in (("f64", float, -17), ("f32", single, -8)):
                for i in range(count):
                    x = number(zero + generator.choice([-1, 1]) * 10 ** generator.uniform(least, 0))
                    value = derivatives(FUNCTIONS[name][0], x)[order]
                    out.write(f"{kind} {name} {order} {x!r} {written(value)}\n")


def sigmoid_minus(count):
    """σ(z) − y, at random and next to where it is 0."""
    generator = random.Random(2)
    with open(os.path.join(HERE, "sigmoid_minus.txt"), "w") as out:
        for kind, number in (("f64", float), ("f32", single)):
            pairs = [(0.5, -1e-8), (0.5, 4e-38), (0.692, 0.8), (0.692, 0.81), (0.0, 40.0), (1.0, 40.0), (1.0, -40.0)]
            pairs += [(generator.random(), generator.uniform(-12, 12)) for _ in range(count)]
            for _ in range(count):
                y = number(10 ** generator.uniform(-12, 0) if generator.random() < 0.5 else generator.random())
                z = mp.ln(mpf(y)) - mp.log1p(-mpf(y))
                pairs.append((y, z))
                pairs.append((y, z * (1 + mpf(10) ** generator.uniform(-16, -1))))
            if kind == "f64":
                pairs += [(0.5, 4e-244), (1e-300, -690.7755278982137), (3e-305, -701.1), (1e-100, -230.0)]
            for y, z in pairs:
                y, z = number(y), number(z)
                out.write(f"{kind} {y!r} {z!r} {written(sigmoid(mpf(z)) - mpf(y))}\n")


def mixed(a, b, n, k):
    """The derivative of aᵇ, n times by a and k times by b."""
    weights = {0: {0: 1}, 1: {1: mpf(1) / 2, -1: -mpf(1) / 2}, 2: {1: 1, 0: -2, -1: 1}}
    weights[3] = {2: mpf(1) / 2, 1: -1, -1: 1, -2: -mpf(1) / 2}
    h, k_step = a * mpf(10) ** -160, mpf(10) ** -160
    terms = (u * v * (a + i * h) ** (b + j * k_step) for i, u in weights[n].items() for j, v in weights[k].items())
    value = sum(terms) / (h**n * k_step**k)
    # What is 0 has the difference's error, and no other value is as small.
    return value if abs(value) > mpf(10) ** -250 else mpf(0)


def powers(count):
    """aᵇ and its derivatives by a and b up to the third order: n k a b value."""
    generator = random.Random(3)
    orders = [(n, k) for n in range(4) for k in range(4) if 0 < n + k < 4]
    with open(os.path.join(HERE, "powers.txt"), "w") as out:
        for i in range(count):
            a = single(10 ** generator.uniform(-8, 8) if i % 2 else generator.uniform(0.05, 4))
            b = single([generator.uniform(-4, 4), generator.uniform(0, 3), generator.choice([-2, -1, 0, 1, 2, 3])][i % 3])
            for n, k in orders:
                value = mixed(mpf(a), mpf(b), n, k)
                out.write(f"{n} {k} {a!r} {b!r} {written(value)}\n")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    functions(count)
    zeros(count)
    sigmoid_minus(8 * count)
    powers(3 * count)
