"""Writes minimize.json: minima that scipy.optimize finds, with the evaluations that it takes.

    pip install scipy
    python minimize.py > minimize.json

L-BFGS-B without bounds on test functions, all derivatives checked by differences here, Newton-CG on Rosenbrock's, and
least_squares(method="lm") on problems of NIST's Statistical Reference Datasets (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml, public domain), whose certified
values it has to reproduce.
"""

import json
import sys

import numpy as np
import scipy
from scipy.optimize import approx_fprime, least_squares, minimize, rosen, rosen_der, rosen_hess_prod


def powell(x):
    """Powell's singular function, whose Hessian at the minimum is singular."""
    a, b, c, d = x.reshape(-1, 4).T
    return np.sum((a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4)


def powell_der(x):
    a, b, c, d = x.reshape(-1, 4).T
    s, t, u, v = a + 10 * b, c - d, b - 2 * c, a - d
    return np.stack([2 * s + 40 * v**3, 20 * s + 4 * u**3, 10 * t - 8 * u**3, -10 * t - 40 * v**3], axis=1).ravel()


def dixon_price(x):
    i = np.arange(2, len(x) + 1)
    return (x[0] - 1) ** 2 + np.sum(i * (2 * x[1:] ** 2 - x[:-1]) ** 2)


def dixon_price_der(x):
    i = np.arange(2, len(x) + 1)
    s = 2 * i * (2 * x[1:] ** 2 - x[:-1])
    g = np.zeros_like(x)
    g[0] = 2 * (x[0] - 1)
    g[1:] += 4 * x[1:] * s
    g[:-1] -= s
    return g


def quadratic(x):
    """Condition 10⁴."""
    a = 10.0 ** np.linspace(0, 4, len(x))
    return 0.5 * np.sum(a * (x - 1) ** 2)


def quadratic_der(x):
    return 10.0 ** np.linspace(0, 4, len(x)) * (x - 1)


def wood(x):
    a, b, c, d = x
    return (
        100 * (b - a * a) ** 2 + (1 - a) ** 2 + 90 * (d - c * c) ** 2 + (1 - c) ** 2
        + 10 * (b + d - 2) ** 2 + 0.1 * (b - d) ** 2
    )  # fmt: skip


def wood_der(x):
    a, b, c, d = x
    return np.array([
        -400 * a * (b - a * a) - 2 * (1 - a),
        200 * (b - a * a) + 20 * (b + d - 2) + 0.2 * (b - d),
        -360 * c * (d - c * c) - 2 * (1 - c),
        180 * (d - c * c) + 20 * (b + d - 2) - 0.2 * (b - d),
    ])  # fmt: skip


def beale(x):
    a, b = x
    return (1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2


def beale_der(x):
    a, b = x
    r = np.array([1.5 - a + a * b, 2.25 - a + a * b**2, 2.625 - a + a * b**3])
    return np.array([2 * r @ np.array([b - 1, b**2 - 1, b**3 - 1]), 2 * r @ np.array([a, 2 * a * b, 3 * a * b**2])])


def softplus(x):
    """Convex, of logistic regression's kind: Σ ln(1 + exp(aᵢᵀx)) + 1/20 ‖x‖², aᵢⱼ = sin(i + 2j + ij/3)."""
    n = len(x)
    i, j = np.mgrid[0 : 2 * n, 0:n]
    a = np.sin(i + 2 * j + i * j / 3)
    return np.sum(np.logaddexp(0, a @ x)) + 0.05 * x @ x


def softplus_der(x):
    n = len(x)
    i, j = np.mgrid[0 : 2 * n, 0:n]
    a = np.sin(i + 2 * j + i * j / 3)
    return a.T @ (1 / (1 + np.exp(-a @ x))) + 0.1 * x


FUNCTIONS = {
    "rosen": (rosen, rosen_der, [[-1.2, 1.0], [1.3, 0.7, 0.8, 1.9, 1.2], [-1.2, 1.0] * 5, [0.5, -0.25, 2.0] * 10]),
    "powell": (powell, powell_der, [[3.0, -1.0, 0.0, 1.0], [3.0, -1.0, 0.0, 1.0] * 4]),
    "dixon_price": (dixon_price, dixon_price_der, [[2.0, 0.5], [1.0] * 10]),
    "quadratic": (quadratic, quadratic_der, [[0.0] * 5, [0.0] * 40]),
    "wood": (wood, wood_der, [[-3.0, -1.0, -3.0, -1.0]]),
    "beale": (beale, beale_der, [[1.0, 1.0]]),
    "softplus": (softplus, softplus_der, [[1.0] * 3, [2.0] * 20]),
}


def minima():
    for name, (f, df, starts) in FUNCTIONS.items():
        for start in starts:
            start = np.array(start)
            by_differences = approx_fprime(start, f)
            assert np.allclose(df(start), by_differences, rtol=1e-5, atol=1e-5 * np.abs(by_differences).max()), name
            options = {"ftol": 0.0, "gtol": 1e-8, "maxcor": 10, "maxiter": 5000, "maxfun": 20000}
            found = minimize(f, start, jac=df, method="L-BFGS-B", options=options)
            assert np.abs(found.jac).max() < 1e-5, (name, found)
            yield {
                "function": name,
                "start": start.tolist(),
                "x": found.x.tolist(),
                "f": float(found.fun),
                "evaluations": int(found.nfev),
            }


def newton():
    for start in [[-1.2, 1.0], [1.3, 0.7, 0.8, 1.9, 1.2], [-1.2, 1.0] * 10]:
        found = minimize(rosen, start, jac=rosen_der, hessp=rosen_hess_prod, method="Newton-CG", options={"xtol": 1e-10})
        assert np.allclose(found.x, 1), found
        yield {"start": start, "evaluations": int(max(found.nfev, found.njev)), "products": int(found.nhev)}


# Name: y, x, model, starts, certified values, certified residual sum of squares.
NIST = {
    "Misra1a": (
        [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78],
        [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0],
        lambda b, x: b[0] * (1 - np.exp(-b[1] * x)),
        [[500.0, 0.0001], [250.0, 0.0005]],
        [2.3894212918e02, 5.5015643181e-04],
        1.2455138894e-01,
    ),
    "BoxBOD": (
        [109.0, 149.0, 149.0, 191.0, 213.0, 224.0],
        [1.0, 2.0, 3.0, 5.0, 7.0, 10.0],
        lambda b, x: b[0] * (1 - np.exp(-b[1] * x)),
        [[100.0, 0.75]],
        [2.1380940889e02, 5.4723748542e-01],
        1.1680088766e03,
    ),
    "Rat42": (
        [8.930, 10.800, 18.590, 22.330, 39.350, 56.110, 61.730, 64.620, 67.080],
        [9.0, 14.0, 21.0, 28.0, 42.0, 57.0, 63.0, 70.0, 79.0],
        lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)),
        [[100.0, 1.0, 0.1], [75.0, 2.5, 0.07]],
        [7.2462237576e01, 2.6180768402e00, 6.7359200066e-02],
        8.0565229338e00,
    ),
    "MGH09": (
        [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246],
        [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625],
        lambda b, x: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]),
        [[0.25, 0.39, 0.415, 0.39]],
        [1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01],
        3.0750560385e-04,
    ),
}  # fmt: skip


def complex_step(model, b, x):
    """∂ model / ∂ b, without rounding."""
    steps = 1e-30j * np.eye(len(b))
    return np.stack([np.imag(model(b + step, x)) / 1e-30 for step in steps], axis=1)


def fits():
    for name, (y, x, model, starts, certified, squares) in NIST.items():
        y, x = np.array(y), np.array(x)
        for start in starts:
            jacobian = lambda b: complex_step(model, b, x)  # noqa: E731
            exact = {"method": "lm", "x_scale": "jac", "xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
            found = least_squares(lambda b: model(b, x) - y, start, jacobian, **exact)
            assert np.allclose(found.x, certified, rtol=1e-8), (name, found.x, certified)
            assert abs(2 * found.cost / squares - 1) < 1e-9, (name, found.cost)
            yield {
                "problem": name,
                "y": y.tolist(),
                "x": x.tolist(),
                "start": start,
                "certified": certified,
                "squares": squares,
                "found": found.x.tolist(),
                "evaluations": int(found.nfev),
            }


json.dump(
    {
        "made_with": f"scipy {scipy.__version__}",
        "minima": list(minima()),
        "newton": list(newton()),
        "fits": list(fits()),
    },
    sys.stdout,
    separators=(",", ":"),
)
print()
