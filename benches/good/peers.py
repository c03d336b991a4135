"""Seconds to a good model in PyTorch, JAX and scikit-learn, from the file on.

    python benches/good/peers.py FOLDER PEER THREADS [cases…]

FOLDER is what `cargo bench --manifest-path benches/steps/Cargo.toml -- --good prepare` prints: it has the synthetic examples, the
first weights, the order of the examples and the settings. Prints `peer,case,threads,turn,seconds,processor seconds,loading,,,epochs,J`; the first turn
has what is traced and compiled, the second one finds it there. Not counted: the start of the process, imports, the first operation of
a library, and the reading of first weights and orders. `benches/good/run` calls this.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "examples" / "data"


def load(case, folder):
    """X and classes to train on and to test on: rows are examples."""
    if case["name"] == "synthetic":
        parts = [np.load(folder / f"{name}.npy") for name in ("x_train", "y_train", "x_test", "y_test")]
        return parts[0], parts[1].astype(np.int64), parts[2], parts[3].astype(np.int64)
    if case["name"] == "cancer":
        table = np.loadtxt(DATA / "breast_cancer.csv", delimiter=",", skiprows=1)
    else:
        table = np.loadtxt(DATA / "digits.csv.gz", delimiter=",")
    test = np.arange(len(table)) % 5 == 0
    x, y = table[:, :-1], table[:, -1].astype(np.int64)
    if case["name"] == "cancer":
        x = (x - x[~test].mean(0)) / x[~test].std(0)
    else:
        x = x / 16
    x = x.astype(np.float32)
    return x[~test], y[~test], x[test], y[test]


class Torch:
    def __init__(self, threads, compiled):
        import torch

        self.torch = torch
        torch.set_num_threads(threads)
        torch.zeros(2, 2) @ torch.zeros(2, 2)
        self.compiled = compiled
        self.steps = {}

    def model(self, case, first):
        torch = self.torch
        n0, n1, n2 = case["sizes"]
        g = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[case["hidden"]]()
        model = torch.nn.Sequential(torch.nn.Linear(n0, n1), g, torch.nn.Linear(n1, n2))
        with torch.no_grad():
            for l, layer in ((1, model[0]), (2, model[2])):
                layer.weight.copy_(torch.tensor(first[f"W[{l}]"]))
                layer.bias.copy_(torch.tensor(first[f"b[{l}]"][:, 0]))
        return model

    def loss(self, case):
        F = self.torch.nn.functional
        if case["sizes"][-1] > 1:
            return F.cross_entropy
        return lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y)

    def train(self, case, data, first, order):
        torch, batch = self.torch, case["batch"]
        x, y, x_test, y_test = (torch.from_numpy(part) for part in data)
        if case["sizes"][-1] == 1:
            y, y_test = y.float(), y_test.float()
        # What is compiled belongs to a model: it is kept, and gets its first weights again.
        if not self.compiled or case["name"] not in self.steps:
            model, loss = self.model(case, first), self.loss(case)
            forward = lambda x, y: loss(model(x), y)
            if self.compiled:
                forward = torch.compile(forward, dynamic=False)
            self.steps[case["name"]] = model, loss, forward
        model, loss, forward = self.steps[case["name"]]
        model.load_state_dict(self.model(case, first).state_dict())
        adam = torch.optim.Adam(model.parameters(), lr=case["rate"], fused=True)
        for epoch, indices in enumerate(torch.from_numpy(order)):
            for picked in indices.split(batch):
                adam.zero_grad()
                forward(x[picked], y[picked]).backward()
                adam.step()
            with torch.no_grad():
                j = loss(model(x_test), y_test).item()
            yield j


class Jax:
    def __init__(self, threads, scan):
        import jax
        import jax.numpy as jnp
        import optax

        self.jax, self.jnp, self.optax, self.scan = jax, jnp, optax, scan
        jax.block_until_ready(jnp.zeros((2, 2)) @ jnp.zeros((2, 2)))
        self.steps = {}

    def compiled(self, case):
        """Functions that are jitted once for a case."""
        jax, jnp, optax = self.jax, self.jnp, self.optax
        g = {"tanh": jnp.tanh, "relu": jax.nn.relu}[case["hidden"]]
        adam = optax.adam(case["rate"])

        def loss(p, x, y):
            z = g(x @ p["W[1]"] + p["b[1]"]) @ p["W[2]"] + p["b[2]"]
            if case["sizes"][-1] > 1:
                return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()
            return optax.sigmoid_binary_cross_entropy(z[:, 0], y).mean()

        def step(state, picked, x, y):
            p, moments = state
            changes, moments = adam.update(jax.grad(loss)(p, x[picked], y[picked]), moments, p)
            return optax.apply_updates(p, changes), moments

        def epoch(state, batches, x, y):
            return jax.lax.scan(lambda state, picked: (step(state, picked, x, y), None), state, batches)[0]

        jitted = jax.jit(step, donate_argnums=0), jax.jit(epoch, donate_argnums=0), jax.jit(loss)
        return adam, *jitted

    def train(self, case, data, first, order):
        jnp, batch = self.jnp, case["batch"]
        x, y, x_test, y_test = (jnp.asarray(part) for part in data)
        if case["name"] not in self.steps:
            self.steps[case["name"]] = self.compiled(case)
        adam, step, epoch, loss = self.steps[case["name"]]
        # Examples are rows: W is transposed.
        p = {name: jnp.asarray(first[name].T.copy() if name[0] == "W" else first[name][:, 0]) for name in first}
        state = p, adam.init(p)
        for indices in order.astype(np.int32):
            full = len(indices) // batch * batch
            if self.scan:
                state = epoch(state, indices[:full].reshape(-1, batch), x, y)
            else:
                for begin in range(0, full, batch):
                    state = step(state, indices[begin : begin + batch], x, y)
            if full < len(indices):
                state = step(state, indices[full:], x, y)
            yield float(loss(state[0], x_test, y_test))


class Sklearn:
    def __init__(self, threads):
        from sklearn.metrics import log_loss
        from sklearn.neural_network import MLPClassifier
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)
        self.log_loss = log_loss

        class FromFirst(MLPClassifier):
            """Its first weights are given."""

            def _init_coef(self, fan_in, fan_out, dtype):
                for l in (1, 2):
                    if self.first[f"W[{l}]"].shape == (fan_out, fan_in):
                        return self.first[f"W[{l}]"].T.astype(dtype), self.first[f"b[{l}]"][:, 0].astype(dtype)

        self.Classifier = FromFirst
        np.zeros((2, 2)) @ np.zeros((2, 2))

    def train(self, case, data, first, order):
        x, y, x_test, y_test = data
        network = self.Classifier(
            hidden_layer_sizes=case["sizes"][1:-1],
            activation=case["hidden"],
            alpha=0.0,
            batch_size=case["batch"],
            learning_rate_init=case["rate"],
            shuffle=False,
        )
        network.first = first
        classes = np.arange(max(case["sizes"][-1], 2))
        for indices in order:
            network.partial_fit(x[indices], y[indices], classes=classes)
            yield float(self.log_loss(y_test, network.predict_proba(x_test), labels=classes))


PEERS = {
    "torch": lambda threads: Torch(threads, False),
    "torch_compile": lambda threads: Torch(threads, True),
    "jax": lambda threads: Jax(threads, False),
    "jax_scan": lambda threads: Jax(threads, True),
    "sklearn": Sklearn,
}


def main():
    folder, name, threads, *named = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:]
    if name.startswith("jax") and threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    peer = PEERS[name](threads)
    for case in json.loads((folder / "cases.json").read_text()):
        if named and case["name"] not in named:
            continue
        first = dict(np.load(folder / f"first_{case['name']}.npz"))
        order = np.load(folder / f"order_{case['name']}.npy").astype(np.int64).reshape(case["epochs"], -1)
        for turn in ("first", "again"):
            began, used = time.perf_counter(), time.process_time()
            data = load(case, folder)
            loaded = time.perf_counter() - began
            for epochs, j in enumerate(peer.train(case, data, first, order), 1):
                if j <= case["target"]:
                    break
            seconds, used = time.perf_counter() - began, time.process_time() - used
            if not j <= case["target"]:
                sys.exit(f"{name} {case['name']}: J is {j} after {epochs} epochs")
            print(f"{name},{case['name']},{threads},{turn},{seconds:.6f},{used:.6f},{loaded:.6f},,,{epochs},{j:.6f}", flush=True)


if __name__ == "__main__":
    main()
