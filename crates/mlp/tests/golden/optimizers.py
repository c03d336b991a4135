"""Writes optimizers.json: trajectories of torch.optim, and of Lion, on a small problem, in f64.

    pip install torch
    python optimizers.py > optimizers.json

J(W, b) = 1/(2·5) Σ_k ‖W x_k + b − y_k‖² + 1/10 (1 − W_00)² + 1/2 (W_01 − W_00²)²: least squares of 5 examples from 3 features
to 2 quantities, and Rosenbrock's valley in two of the weights. Decays are of W alone, as groups of parameters.
"""

import json
import sys

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

X = torch.tensor([[1.0, -0.5, 0.25, 2.0, -1.5], [0.5, 1.5, -1.0, 0.0, 0.75], [-2.0, 0.125, 1.0, 0.5, -0.25]])
Y = torch.tensor([[0.5, -1.0, 2.0, 1.0, 0.0], [1.5, 0.25, -0.5, -2.0, 1.0]])
W = [[-1.0, 0.8, 0.3], [0.1, -0.6, 1.2]]
B = [[0.2], [-0.4]]
STEPS = 200
SHOWN = [1, 2, 3, 5, 10, 20, 50, 99, 100, 101, 150, 200]


def objective(w, b):
    residual = w @ X + b - Y
    valley = 0.1 * (1 - w[0, 0]) ** 2 + 0.5 * (w[0, 1] - w[0, 0] ** 2) ** 2
    return (residual**2).sum() / (2 * X.shape[1]) + valley


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al. 2023, "Symbolic discovery of optimization algorithms", line by line."""

    def __init__(self, groups, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(groups, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta_1, beta_2 = group["betas"]
            for theta in group["params"]:
                m = self.state[theta].get("m", torch.zeros_like(theta))
                c = beta_1 * m + (1 - beta_1) * theta.grad
                theta -= group["lr"] * (torch.sign(c) + group["weight_decay"] * theta)
                self.state[theta]["m"] = beta_2 * m + (1 - beta_2) * theta.grad


def trajectory(make, decay=0.0, of_biases=None, drops=False):
    """`of_biases`: the rate of b, where it has one of its own. `drops`: after 100 steps the rates are a quarter."""
    w, b = (torch.tensor(start, requires_grad=True) for start in (W, B))
    second = {"params": [b], "weight_decay": 0.0}
    if of_biases is not None:
        second["lr"] = of_biases
    optimizer = make([{"params": [w], "weight_decay": decay}, second])
    steps = []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        objective(w, b).backward()
        optimizer.step()
        if step in SHOWN:
            steps.append([step, w.detach().T.flatten().tolist(), b.detach().flatten().tolist()])
        if drops and step == 100:
            for group in optimizer.param_groups:
                group["lr"] /= 4
    return steps


optim = torch.optim
CASES = {
    "gradient descent": (lambda p: optim.SGD(p, lr=0.05), {}),
    "gradient descent, L2": (lambda p: optim.SGD(p, lr=0.05), {"decay": 0.125}),
    "momentum": (lambda p: optim.SGD(p, lr=0.02, momentum=0.9), {}),
    "momentum, L2, rate drops": (lambda p: optim.SGD(p, lr=0.02, momentum=0.9), {"decay": 0.01, "drops": True}),
    "nesterov": (lambda p: optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True), {}),
    "nesterov, L2": (lambda p: optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True), {"decay": 0.01}),
    "rms_prop": (lambda p: optim.RMSprop(p), {}),
    "rms_prop, momentum, L2": (lambda p: optim.RMSprop(p, lr=0.005, momentum=0.8), {"decay": 0.01}),
    "rms_prop, centred": (lambda p: optim.RMSprop(p, lr=0.005, centered=True), {}),
    "rms_prop, centred, momentum, L2": (
        lambda p: optim.RMSprop(p, lr=0.002, alpha=0.95, eps=1e-6, momentum=0.7, centered=True),
        {"decay": 0.01},
    ),
    "adagrad": (lambda p: optim.Adagrad(p, lr=0.1), {}),
    "adagrad, L2": (lambda p: optim.Adagrad(p, lr=0.1, eps=1e-6), {"decay": 0.01}),
    "adam": (lambda p: optim.Adam(p, lr=0.01), {}),
    "adam, L2, rate drops": (lambda p: optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6), {"decay": 0.01, "drops": True}),
    "adam, rate of b": (lambda p: optim.Adam(p, lr=0.01), {"of_biases": 0.0025}),
    "adam_w": (lambda p: optim.AdamW(p, lr=0.01), {"decay": 0.01}),
    "adam_w, much decay, rate drops": (lambda p: optim.AdamW(p, lr=0.02), {"decay": 0.5, "drops": True}),
    "lion": (lambda p: Lion(p, lr=0.003), {}),
    "lion, decay": (lambda p: Lion(p, lr=0.002, betas=(0.95, 0.98)), {"decay": 0.5}),
}

json.dump(
    {"made_with": f"torch {torch.__version__}", "cases": {name: trajectory(make, **how) for name, (make, how) in CASES.items()}},
    sys.stdout,
    separators=(",", ":"),
)
print()
