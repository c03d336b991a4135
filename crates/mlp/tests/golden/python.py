"""Writes python-*.safetensors with numpy and Python's safetensors, and what the network of them predicts.

    python3 crates/mlp/tests/golden/python.py

Made with numpy 2.4.6 and safetensors 0.8.0. The files stay as they are.
"""
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

here = Path(__file__).parent

w1 = np.array([[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]])
b1 = np.array([-1.0, 0.0, 1.0])
w2 = np.array([[1 / 3, -2 / 3, 0.125]])
b2 = np.array([0.25])
save_file(
    {"layers.0.weight": w1, "layers.0.bias": b1, "layers.1.weight": w2, "layers.1.bias": b2},
    here / "python-network.safetensors",
    metadata={
        "kind": "mlp",
        "format_version": "1",
        "number": "f64",
        "sizes": "2,3,1",
        "layers.0.activation": "elu(0.75)",
        "layers.1.activation": "sigmoid",
        "loss": "log_loss",
        "loss_is_chosen": "false",
    },
)
x = np.array([[0.5, -3.0], [-1.0, 1.0]])
z1 = w1 @ x + b1[:, None]
a1 = np.where(z1 > 0, z1, 0.75 * np.expm1(z1))
a2 = 1 / (1 + np.exp(-(w2 @ a1 + b2[:, None])))
(here / "python-predictions.in").write_text("[" + ", ".join(repr(float(a)) for a in a2[0]) + "]\n")

# torch.nn.Sequential(Linear(2, 3), Tanh(), Linear(3, 1)), and a counter as BatchNorm has one.
save_file(
    {
        "0.weight": np.arange(6, dtype=np.float32).reshape(3, 2),
        "0.bias": np.array([0.5, -0.5, 0.25], dtype=np.float32),
        "2.weight": np.array([[1.0, -1.0, 2.0]], dtype=np.float32),
        "2.bias": np.array([0.1], dtype=np.float32),
        "steps": np.array(12, dtype=np.int64),
    },
    here / "python-state.safetensors",
)
