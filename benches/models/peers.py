"""The ten models, attention, Gaussian processes and an embedding in JAX and PyTorch: microseconds for J and all gradients.

    pip install jax torch
    python benches/models/peers.py [--dtype f32|f64] [--compile] [names…]

One thread each; the first call, which compiles, is told apart, in milliseconds. JAX is jitted, on the definitions of tests/reference/models_jax.py; PyTorch is eager, and with --compile also by
torch.compile. `cargo bench --manifest-path benches/steps/Cargo.toml -- --models` measures the same here.
"""

import os
import sys
import time
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "reference"))

import jax
import jax.numpy as jnp
import models_jax as models
import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)

SIZES = {
    "softmax_digits": dict(n=64, hidden=32, m=64),
    "robust_regression": dict(hidden=24, m=64),
    "gru_adding": dict(steps=20, n=24, m=64),
    "transformer_block": dict(v=8, t=12, d=32, m=64),
    "oscillator": dict(hidden=24, m=48),
    "variational_autoencoder": dict(n=64, hidden=64, k=2, m=64),
    "factorisation": dict(users=60, items=40, vocabulary=30, k=3, d=4, m=128),
    "gaussian_process": dict(m=60),
    "gaussian_process_300": dict(m=300),
    "convolution_digits": dict(side=8, first=8, second=16, m=64),
    "mixture_density": dict(hidden=24, k=3, m=128),
}


def timed(call, seconds=1.0):
    start = time.perf_counter()
    call()
    first = (time.perf_counter() - start) * 1e3  # what is traced and compiled, is so here
    for _ in range(5):
        call()
    times, began = [], time.perf_counter()
    while len(times) < 20 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e6)
    times.sort()
    return f"{times[0]:10.1f} ({times[len(times) // 2]:.1f})   first call {first:8.1f} ms"


# ---- PyTorch: examples are rows, as its users write them. `d` are the data and `p` the parameters of models_jax.


def linear(p, l, a):
    return F.linear(a, p[f"W[{l}]"], p[f"b[{l}]"][:, 0])


def softmax_digits(d, p):
    z = linear(p, 2, F.relu(linear(p, 1, d["X"].T)))
    return F.cross_entropy(z, d["class"][0].long()) + 1e-4 * (p["W[1]"].square().sum() + p["W[2]"].square().sum())


def robust_regression(d, p):
    y = d["Y"][0]
    out = linear(p, 3, torch.tanh(linear(p, 2, torch.tanh(linear(p, 1, d["X"].T)))))

    def pinball(a, tau):
        return torch.maximum(tau * (y - a), (tau - 1) * (y - a))

    huber = F.huber_loss(out[:, 0], y, delta=0.1, reduction="none")
    return (huber + pinball(out[:, 1], 0.1) + pinball(out[:, 2], 0.9)).mean()


def gru_adding(d, p):
    m, n = d["X"].shape[1], p["U"].shape[1]
    x = d["X"].T.reshape(m, -1, 2)
    i = F.linear(x, p["W"], p["b"][:, 0])
    h = x.new_zeros(m, n)
    for t in range(x.shape[1]):
        i_r, i_z, i_n = i[:, t].chunk(3, 1)
        h_r, h_z, h_n = (h @ p["U"].T).chunk(3, 1)
        r, z = torch.sigmoid(i_r + h_r), torch.sigmoid(i_z + h_z)
        candidate = torch.tanh(i_n + r * (h_n + p["c"][:, 0]))
        h = candidate + z * (h - candidate)
    return (F.linear(h, p["V"], p["d"][:, 0])[:, 0] - d["Y"][0]).square().mean()


def transformer_block(d, p):
    token, following = d["token"].T.long(), d["next"].T.long()
    (m, t), dim = token.shape, p["E"].shape[0]
    x = F.embedding(token, p["E"].T) + p["P"].T

    def norm(x, scale):
        return F.layer_norm(x, (dim,), 1 + scale[:, 0], None, 1e-5)

    a = norm(x, p["s[1]"])
    q, k, v = (F.linear(a, p[name]).view(m, t, 2, dim // 2).transpose(1, 2) for name in ("Q", "K", "V"))
    heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + F.linear(heads.transpose(1, 2).reshape(m, t, dim), p["O"])
    inner = F.linear(norm(x, p["s[2]"]), p["W[1]"], p["b[1]"][:, 0])
    x = x + F.linear(F.relu(inner), p["W[2]"])
    z = F.linear(x, p["W[3]"], p["b[3]"][:, 0])
    losses = F.cross_entropy(z.reshape(m * t, -1), following.reshape(-1), reduction="none").view(m, t)
    counts = (torch.arange(t) < d["length"][0][:, None]).to(losses.dtype)
    return (losses * counts).sum() / counts.sum()


def oscillator(d, p):
    def u(t):
        return F.linear(torch.tanh(linear(p, 2, torch.tanh(linear(p, 1, t)))), p["W[3]"])

    t = d["t"].T.clone().requires_grad_()
    out = u(t)
    (du,) = torch.autograd.grad(out.sum(), t, create_graph=True)
    (ddu,) = torch.autograd.grad(du.sum(), t, create_graph=True)
    begin = torch.zeros(1, 1, dtype=t.dtype, requires_grad=True)
    u0 = u(begin)
    (du0,) = torch.autograd.grad(u0.sum(), begin, create_graph=True)
    return (ddu + out).square().mean() + u0.square().sum() + (du0 - 1).square().sum()


def variational_autoencoder(d, p):
    x = d["X"].T
    h = torch.tanh(linear(p, "1", x))
    mu, log_var = linear(p, "μ", h), linear(p, "v", h)
    z = mu + torch.exp(0.5 * log_var) * d["ε"].T
    logits = linear(p, "3", torch.tanh(linear(p, "2", z)))
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()
    return bce + (0.5 * (mu.square() + log_var.exp() - log_var - 1)).sum(1).mean()


def factorisation(d, p):
    user, item, word = (d[name].long() for name in ("user", "item", "word"))
    thing = F.embedding(item[0], p["Q"].T) + F.embedding(word.T, p["W"].T).mean(1)
    rating = (F.embedding(user[0], p["P"].T) * thing).sum(1) + p["b"][0][user[0]] + p["c"][0][item[0]]
    return (rating - d["Y"][0]).square().mean() + 1e-4 * (p["P"].square().sum() + p["Q"].square().sum())


def gaussian_process(d, p):
    x = d["x"][0]
    length, size, noise = (p[name][0, 0].exp() for name in ("ln ℓ", "ln s", "ln σ"))
    kernel = size**2 * torch.exp(-0.5 * ((x[:, None] - x) / length) ** 2) + noise**2 * torch.eye(len(x), dtype=x.dtype)
    l = torch.linalg.cholesky(kernel)
    a = torch.linalg.solve_triangular(l, d["y"].T, upper=False)
    return 0.5 * a.square().sum() + l.diagonal().log().sum()


gaussian_process_300 = gaussian_process


def convolution_digits(d, p):
    m = d["X"].shape[1]
    a = d["X"].T.reshape(m, 1, 8, 8)
    for l in (1, 2):
        kernels = p[f"K[{l}]"].view(-1, a.shape[1], 3, 3)
        a = F.max_pool2d(F.relu(F.conv2d(a, kernels, p[f"b[{l}]"][:, 0], padding=1)), 2)
    return F.cross_entropy(F.linear(a.reshape(m, -1), p["W"], p["b"][:, 0]), d["class"][0].long())


def mixture_density(d, p):
    out = linear(p, 2, torch.tanh(linear(p, 1, d["x"].T)))
    logits, mean, log_sd = out.chunk(3, 1)
    normal = torch.distributions.Normal(mean, log_sd.exp(), validate_args=False)
    logs = torch.logsumexp(F.log_softmax(logits, 1) + normal.log_prob(d["y"].T), 1)
    return -(logs * d["weight"][0]).sum() / d["weight"].sum()


def steps(name, dtype):
    """Calls that compute J and all gradients, by peer."""
    make = getattr(models, name.removesuffix("_300"))
    data, p, j = make(**SIZES[name])
    for table in (data, p):
        for key, value in table.items():
            table[key] = np.asarray(value, dtype)
    step = jax.jit(jax.value_and_grad(j))
    of_jax = {key: jnp.asarray(value) for key, value in p.items()}
    yield "jax", lambda: jax.block_until_ready(step(of_jax))
    d = {key: torch.tensor(value) for key, value in data.items()}
    of_torch = {key: torch.tensor(value, requires_grad=True) for key, value in p.items()}
    leaves = list(of_torch.values())
    recorded = globals()[name]
    yield "torch", lambda: torch.autograd.grad(recorded(d, of_torch), leaves)
    if "--compile" in sys.argv and name != "oscillator":  # it cannot compile gradients of gradients
        compiled = torch.compile(recorded)
        yield "torch.compile", lambda: torch.autograd.grad(compiled(d, of_torch), leaves)


def attention(t, d, m, dtype):
    q, k, v = (np.random.default_rng(1).uniform(0.1, 1.0, (m, t, d)).astype(dtype) for _ in range(3))

    def one(q, k, v):
        return jax.nn.softmax(q @ k.T / np.sqrt(d).astype(dtype), axis=-1) @ v

    step = jax.jit(jax.value_and_grad(lambda q, k, v: jnp.sum(jax.vmap(one)(q, k, v) ** 2), (0, 1, 2)))
    arrays = [jnp.asarray(x) for x in (q, k, v)]
    yield "jax", lambda: jax.block_until_ready(step(*arrays))
    leaves = [torch.tensor(x, requires_grad=True) for x in (q, k, v)]

    def by_bmm():
        a, b, c = leaves
        scores = torch.bmm(a, b.transpose(1, 2)) / d**0.5
        return torch.autograd.grad(torch.bmm(scores.softmax(-1), c).square().sum(), leaves)

    yield "torch", by_bmm


def embedding(dtype):
    table = torch.nn.Embedding(1_000_000, 32, sparse=True, dtype=torch.float32 if dtype == np.float32 else torch.float64)
    optimizer = torch.optim.SGD(table.parameters(), lr=0.1)
    batches = torch.randint(1_000_000, (50, 256))
    turn = [0]

    def step():
        turn[0] = (turn[0] + 1) % 50
        optimizer.zero_grad()
        table(batches[turn[0]]).square().sum(1).mean().backward()
        optimizer.step()

    yield "torch", step


def main():
    named = [a for i, a in enumerate(sys.argv[1:], 1) if not a.startswith("--") and sys.argv[i - 1] != "--dtype"]
    dtypes = {"f32": np.float32, "f64": np.float64}
    if "--dtype" in sys.argv:
        chosen = sys.argv[sys.argv.index("--dtype") + 1]
        dtypes = {chosen: dtypes[chosen]}
    for label, dtype in dtypes.items():
        cases = {name: steps(name, dtype) for name in SIZES if not named or name in named}
        for t, m in ((12, 64), (64, 16), (256, 4)):
            for d in (16, 64):
                if not named or "attention" in named:
                    cases[f"attention_{t}_{d}"] = attention(t, d, m, dtype)
        if not named or "embedding" in named:
            cases["embedding"] = embedding(dtype)
        for name, peers in cases.items():
            for peer, call in peers:
                print(f"{label} {name:<26} {peer:<14} {timed(call)}", flush=True)


if __name__ == "__main__":
    main()
