"""Writes softmax.txt: softmax, its relatives and their derivatives up to order 3, computed with 800 digits.

    pip install mpmath && python3 softmax.py > softmax.txt

The derivatives are joint cumulants of one-hot vectors that are drawn with the shares s = softmax(z): the derivative of ln sum exp z
with respect to z_i, z_j, ... is the sum, over all partitions of the list (i, j, ...) into blocks, of (-1)^(b-1) (b-1)! times the
product over the b blocks of E[block], which is s_i if all indices of the block are i, else 0. No kernel is written like that.

A line is a case: the number type; z; y; ln sum exp z; s; ln s; 1 - s; the cross-entropy; s*sum(y) - y; the derivatives of ln sum exp z
of order 2, 3 and 4 (which are those of s of order 1, 2 and 3) for indices i <= j <= ...; each list with spaces, between semicolons.
"""

import itertools
import math
import random
import struct

from mpmath import exp, inf, ln, log1p, mp, mpf, nstr

mp.dps = 800
rng = random.Random(12)


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def partitions(items):
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for partition in partitions(rest):
        yield [[first]] + partition
        for i, block in enumerate(partition):
            yield partition[:i] + [[first] + block] + partition[i + 1 :]


def cumulant(s, indices):
    total = mpf(0)
    for partition in partitions(list(indices)):
        b = len(partition)
        term = mpf((-1) ** (b - 1) * math.factorial(b - 1))
        for block in partition:
            term *= s[block[0]] if len(set(block)) == 1 else 0
        total += term
    return total


def text(x):
    if x in (inf, -inf):
        return "inf" if x > 0 else "-inf"
    return nstr(x, 19, min_fixed=0, max_fixed=0) if x else "0"


def case(kind, z, y):
    n = len(z)
    greatest = max(z)
    e = [mpf(0) if zi == -math.inf else exp(mpf(zi) - mpf(greatest)) for zi in z]
    total = sum(e)
    s = [ei / total for ei in e]
    log_total = ln(total)
    log_s = [-inf if zi == -math.inf else mpf(zi) - mpf(greatest) - log_total for zi in z]
    rest = [sum(e[:i] + e[i + 1 :], mpf(0)) / total for i in range(n)]
    labels = [mpf(yi) for yi in y]
    loss = sum((-yi * li for yi, li in zip(labels, log_s) if yi), mpf(0))
    minus = [si * sum(labels) - yi for si, yi in zip(s, labels)]
    lists = [[mpf(greatest) + log_total], s, log_s, rest, [loss], minus]
    for order in (2, 3, 4):
        lists.append([cumulant(s, i) for i in itertools.combinations_with_replacement(range(n), order)])
    numbers = [" ".join(repr(float(x)) for x in z), " ".join(repr(float(x)) for x in y)]
    print("; ".join([kind] + numbers + [" ".join(map(text, xs)) for xs in lists]))


def one_hot(n):
    k = rng.randrange(n)
    return [1.0 if i == k else 0.0 for i in range(n)]


def soft(n):
    y = [rng.random() for _ in range(n)]
    return [yi / sum(y) for yi in y]


def near_shares(z):
    """Labels that are the shares, rounded: only a few digits of s - y are left."""
    greatest = max(z)
    e = [exp(mpf(zi) - mpf(greatest)) for zi in z]
    return [float(ei / sum(e)) for ei in e]


def logits(kind):
    masked = -math.inf
    tiny = 4e-244 if kind == "f64" else 4e-33
    far = 700.0 if kind == "f64" else 80.0
    large = 1e16 if kind == "f64" else 1e8
    gauss = lambda scale, n: [rng.gauss(0, scale) for _ in range(n)]
    # One that leads, by far or by little; ties; masks; offsets; next to the roots of ln sum exp and of the third derivative.
    yield from ([18.85, 5.02, -1.15], [98.87, 6.86, -0.51], [123.6, -0.15, -1.24], [0.0, -40.0])
    yield from ([0.0, 0.0], [1.5, 1.5, 1.5], [large, large], [1000.0, 999.5, 999.0], [1e4, 1e4, 9990.0], [7.25])
    yield from ([1.0, masked, 0.0], [masked, 0.0], [0.0, 0.0, masked], [masked, 3.0, masked], [-far, 0.0, far / 3])
    yield from ([tiny, 0.0], [0.0, -tiny, 0.0], [1e-6, 0.0, masked], [1e-3, 0.0, -60.0], [1e-5, 0.0, -90.0, -90.5])
    yield from ([-0.7, -0.69], [-1.0, -0.5], [-1.2, -1.1, -0.9], [-math.log(2), -math.log(2)], [-2.0, -2.0, -2.0, 0.6931, -1.0])
    yield from ([large, large - 2 * large * 2.0 ** (-53 if kind == "f64" else -24), 0.0], [-far, -far - 3.0], [far, 0.0], [0.0, far, far])
    for scale in (1e-12, 1e-4, 0.1, 1.0, 1.0, 1.0, 3.0, 3.0, 10.0, 10.0, 30.0, 100.0, 1e3):
        for n in (2, 3):
            yield gauss(scale, n)
    yield gauss(1.0, 4)
    yield gauss(20.0, 4)
    for _ in range(4):
        offset = rng.choice([-1, 1]) * 10.0 ** rng.uniform(2, 5)
        yield [offset + x for x in gauss(2.0, 3)]


for kind in ("f64", "f32"):
    rounded = (lambda xs: xs) if kind == "f64" else (lambda xs: [single(x) for x in xs])
    for z in logits(kind):
        z = rounded(z)
        n = len(z)
        kinds = [one_hot(n), [1.0 if i == z.index(max(z)) else 0.0 for i in range(n)], soft(n)]
        if -math.inf in z:
            kinds = [[0.0 if zi == -math.inf else yi for zi, yi in zip(z, y)] for y in kinds] + [[1.0] * n]
        else:
            kinds += [near_shares(z), [1.0 / n] * n]
        # The derivatives depend on z alone: enough that each z comes with two kinds of labels.
        for y in rng.sample(kinds, 2):
            case(kind, z, rounded(y))
