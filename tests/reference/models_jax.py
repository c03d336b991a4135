"""J and its gradients of the ten models of examples/models, by JAX in double precision, for small sizes and random values.

    pip install jax
    python tests/reference/models_jax.py tests/data/models

writes one JSON file for each model: the values of all leaves by name (a list of rows each), J, and the gradient for every
parameter. The models are written here on their own, as JAX's users write them: examples are rows where that is the custom.
"""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

rng = np.random.default_rng(20261130)


def uniform(*shape, low=-1.0, high=1.0):
    return rng.uniform(low, high, shape)


def below(n, *shape):
    return rng.integers(0, n, shape).astype(float)


def dense(p, l, a):
    return p[f"W[{l}]"] @ a + p[f"b[{l}]"]


def cross_entropy(z, classes):
    """Of logits (n, m) and class numbers (m,)."""
    logs = jax.nn.log_softmax(z, axis=0)
    return -jnp.take_along_axis(logs, classes.astype(int)[None, :], axis=0)[0]


def softmax_digits(n=6, hidden=5, m=7):
    data = {"X": uniform(n, m), "class": below(10, 1, m)}
    p = {"W[1]": uniform(hidden, n), "b[1]": uniform(hidden, 1), "W[2]": uniform(10, hidden), "b[2]": uniform(10, 1)}

    def j(p):
        z = dense(p, 2, jax.nn.relu(dense(p, 1, data["X"])))
        return jnp.mean(cross_entropy(z, data["class"][0])) + 1e-4 * (jnp.sum(p["W[1]"] ** 2) + jnp.sum(p["W[2]"] ** 2))

    return data, p, j


def robust_regression(hidden=4, m=9):
    data = {"X": uniform(1, m), "Y": uniform(1, m)}
    p = {"W[1]": uniform(hidden, 1), "b[1]": uniform(hidden, 1), "W[2]": uniform(hidden, hidden), "b[2]": uniform(hidden, 1),
         "W[3]": uniform(3, hidden), "b[3]": uniform(3, 1)}

    def pinball(prediction, tau):
        r = data["Y"][0] - prediction
        return jnp.where(r >= 0, tau * r, (tau - 1) * r)

    def j(p):
        out = dense(p, 3, jnp.tanh(dense(p, 2, jnp.tanh(dense(p, 1, data["X"])))))
        r = jnp.abs(out[0] - data["Y"][0])
        huber = jnp.where(r <= 0.1, 0.5 * r**2, 0.1 * (r - 0.05))
        return jnp.mean(huber + pinball(out[1], 0.1) + pinball(out[2], 0.9))

    return data, p, j


def gru_adding(steps=5, n=3, m=4):
    data = {"X": uniform(2 * steps, m), "Y": uniform(1, m)}
    p = {"W": uniform(3 * n, 2), "U": uniform(3 * n, n), "b": uniform(3 * n, 1), "c": uniform(n, 1), "V": uniform(1, n), "d": uniform(1, 1)}

    def j(p):
        h = jnp.zeros((n, m))
        for x in data["X"].reshape(steps, 2, m):
            # PyTorch's gates: reset, update, candidate.
            i_r, i_z, i_n = jnp.split(p["W"] @ x + p["b"], 3)
            h_r, h_z, h_n = jnp.split(p["U"] @ h, 3)
            r, z = jax.nn.sigmoid(i_r + h_r), jax.nn.sigmoid(i_z + h_z)
            candidate = jnp.tanh(i_n + r * (h_n + p["c"]))
            h = (1 - z) * candidate + z * h
        return jnp.mean((p["V"] @ h + p["d"] - data["Y"]) ** 2)

    return data, p, j


def transformer_block(v=5, t=6, d=4, m=3):
    data = {"token": below(v, t, m), "next": below(v, t, m), "length": 1 + below(t, 1, m)}
    p = {"E": uniform(d, v), "P": uniform(d, t), "s[1]": uniform(d, 1), "Q": uniform(d, d), "K": uniform(d, d), "V": uniform(d, d),
         "O": uniform(d, d), "s[2]": uniform(d, 1), "W[1]": uniform(2 * d, d), "b[1]": uniform(2 * d, 1), "W[2]": uniform(d, 2 * d),
         "W[3]": uniform(v, d), "b[3]": uniform(v, 1)}

    def norm(x, scale):
        mean = x.mean(-1, keepdims=True)
        return (x - mean) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5) * (1 + scale[:, 0])

    def one(p, tokens, following, length):
        x = p["E"].T[tokens] + p["P"].T  # (t, d)
        a = norm(x, p["s[1]"])
        q, k, values = a @ p["Q"].T, a @ p["K"].T, a @ p["V"].T
        heads = []
        for at in (slice(0, d // 2), slice(d // 2, d)):
            scores = q[:, at] @ k[:, at].T / np.sqrt(d // 2)
            scores = jnp.where(jnp.tril(jnp.ones((t, t), bool)), scores, -jnp.inf)
            heads.append(jax.nn.softmax(scores, axis=-1) @ values[:, at])
        x = x + jnp.concatenate(heads, axis=1) @ p["O"].T
        inner = norm(x, p["s[2]"]) @ p["W[1]"].T + p["b[1]"][:, 0]
        x = x + jax.nn.relu(inner) @ p["W[2]"].T
        z = x @ p["W[3]"].T + p["b[3]"][:, 0]
        losses = -jnp.take_along_axis(jax.nn.log_softmax(z, axis=-1), following[:, None], axis=1)[:, 0]
        return jnp.sum(jnp.where(jnp.arange(t) < length, losses, 0.0))

    def j(p):
        sums = jax.vmap(one, (None, 1, 1, 0))(p, data["token"].astype(int), data["next"].astype(int), data["length"][0])
        return jnp.sum(sums) / jnp.sum(data["length"])

    return data, p, j


def oscillator(hidden=4, m=5):
    data = {"t": uniform(1, m, low=0.0, high=6.0)}
    p = {"W[1]": uniform(hidden, 1), "b[1]": uniform(hidden, 1), "W[2]": uniform(hidden, hidden), "b[2]": uniform(hidden, 1), "W[3]": uniform(1, hidden)}

    def u(p, t):
        h = jnp.tanh(p["W[1]"][:, 0] * t + p["b[1]"][:, 0])
        return (p["W[3]"] @ jnp.tanh(p["W[2]"] @ h + p["b[2]"][:, 0]))[0]

    def j(p):
        du = jax.grad(u, 1)
        ddu = jax.grad(du, 1)
        residual = jax.vmap(lambda t: ddu(p, t) + u(p, t))(data["t"][0])
        return jnp.mean(residual**2) + u(p, 0.0) ** 2 + (du(p, 0.0) - 1) ** 2

    return data, p, j


def variational_autoencoder(n=6, hidden=5, k=2, m=4):
    data = {"X": uniform(n, m, low=0.0), "ε": rng.standard_normal((k, m))}
    sizes = {"1": (hidden, n), "μ": (k, hidden), "v": (k, hidden), "2": (hidden, k), "3": (n, hidden)}
    p = {}
    for name, (rows, columns) in sizes.items():
        p[f"W[{name}]"], p[f"b[{name}]"] = uniform(rows, columns), uniform(rows, 1)

    def j(p):
        h = jnp.tanh(dense(p, "1", data["X"]))
        mu, log_var = dense(p, "μ", h), dense(p, "v", h)
        z = mu + jnp.exp(0.5 * log_var) * data["ε"]
        logits = dense(p, "3", jnp.tanh(dense(p, "2", z)))
        x = data["X"]
        bce = -x * jax.nn.log_sigmoid(logits) - (1 - x) * jax.nn.log_sigmoid(-logits)
        kl = 0.5 * (mu**2 + jnp.exp(log_var) - log_var - 1)
        return jnp.mean(jnp.sum(bce, 0)) + jnp.mean(jnp.sum(kl, 0))

    return data, p, j


def factorisation(users=5, items=4, vocabulary=6, k=3, d=2, m=9):
    data = {"user": below(users, 1, m), "item": below(items, 1, m), "word": below(vocabulary, k, m), "Y": uniform(1, m)}
    p = {"P": uniform(d, users), "Q": uniform(d, items), "W": uniform(d, vocabulary), "b": uniform(1, users), "c": uniform(1, items)}

    def j(p):
        user, item, word = (data[name].astype(int) for name in ("user", "item", "word"))
        thing = p["Q"][:, item[0]] + p["W"][:, word].mean(axis=1)
        rating = jnp.sum(p["P"][:, user[0]] * thing, axis=0) + p["b"][0, user[0]] + p["c"][0, item[0]]
        return jnp.mean((rating - data["Y"][0]) ** 2) + 1e-4 * (jnp.sum(p["P"] ** 2) + jnp.sum(p["Q"] ** 2))

    return data, p, j


def gaussian_process(m=12):
    data = {"x": uniform(1, m, low=0.0, high=4.0), "y": uniform(1, m)}
    p = {"ln ℓ": np.array([[-0.3]]), "ln s": np.array([[0.2]]), "ln σ": np.array([[-1.1]])}

    def j(p):
        x = data["x"][0]
        length, size, noise = (jnp.exp(p[name][0, 0]) for name in ("ln ℓ", "ln s", "ln σ"))
        kernel = size**2 * jnp.exp(-0.5 * ((x[:, None] - x[None, :]) / length) ** 2) + noise**2 * jnp.eye(m)
        l = jnp.linalg.cholesky(kernel)
        a = jax.scipy.linalg.solve_triangular(l, data["y"][0], lower=True)
        return 0.5 * a @ a + jnp.sum(jnp.log(jnp.diag(l)))

    return data, p, j


def convolution_digits(side=8, first=2, second=3, m=3):
    data = {"X": uniform(side * side, m), "class": below(10, 1, m)}
    last = second * (side // 4) ** 2
    p = {"K[1]": uniform(first, 9), "b[1]": uniform(first, 1), "K[2]": uniform(second, first * 9), "b[2]": uniform(second, 1),
         "W": uniform(10, last), "b": uniform(10, 1)}

    def layer(a, kernels, bias, channels):
        kernels = kernels.reshape(channels, -1, 3, 3)
        a = jax.lax.conv_general_dilated(a, kernels, (1, 1), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW"))
        a = jax.nn.relu(a + bias.reshape(1, -1, 1, 1))
        return jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def j(p):
        a = data["X"].T.reshape(m, 1, side, side)
        a = layer(a, p["K[1]"], p["b[1]"], first)
        a = layer(a, p["K[2]"], p["b[2]"], second)
        z = p["W"] @ a.reshape(m, -1).T + p["b"]
        return jnp.mean(cross_entropy(z, data["class"][0]))

    return data, p, j


def mixture_density(hidden=4, k=3, m=6):
    data = {"x": uniform(1, m), "y": uniform(1, m), "weight": uniform(1, m, low=0.5, high=2.0)}
    p = {"W[1]": uniform(hidden, 1), "b[1]": uniform(hidden, 1), "W[2]": uniform(3 * k, hidden), "b[2]": uniform(3 * k, 1)}

    def j(p):
        logits, mean, log_sd = jnp.split(dense(p, 2, jnp.tanh(dense(p, 1, data["x"]))), 3)
        logs = jax.scipy.stats.norm.logpdf(data["y"], mean, jnp.exp(log_sd))
        log_density = jax.scipy.special.logsumexp(jax.nn.log_softmax(logits, axis=0) + logs, axis=0)
        return -jnp.average(log_density, weights=data["weight"][0])

    return data, p, j


MODELS = [softmax_digits, robust_regression, gru_adding, transformer_block, oscillator, variational_autoencoder, factorisation,
          gaussian_process, convolution_digits, mixture_density]


def main(folder):
    for model in MODELS:
        data, p, j = model()
        value, gradients = jax.value_and_grad(j)({name: jnp.asarray(x) for name, x in p.items()})
        rows = lambda x: np.asarray(x, dtype=float).tolist()
        golden = {
            "J": float(value),
            "leaves": {name: rows(x) for name, x in (data | p).items()},
            "gradients": {name: rows(x) for name, x in gradients.items()},
        }
        Path(folder, f"{model.__name__}.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")
        print(model.__name__, float(value))


if __name__ == "__main__":
    main(sys.argv[1])
