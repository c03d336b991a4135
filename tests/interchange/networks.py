"""Networks and arrays that mlp wrote are read in Python, and others are written for mlp to read.

    python tests/interchange/networks.py FOLDER

FOLDER has what the test `ours_for_python` of crates/mlp/tests/interchange.rs wrote; `theirs_from_python` reads what is
written to it. Where PyTorch is installed its modules take the parameters and predict; where it is not, that is said, and
what a Linear layer computes, x Wᵀ + b, is computed by numpy.
"""
import math
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

folder = Path(sys.argv[1])

try:
    import torch
    from safetensors.torch import load_file as load_torch, save_file as save_torch
except ImportError:
    torch = None

# In the order of an array of numpy: one example a row.
activations = {
    "identity": lambda z: z,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu(0.25)": lambda z: np.where(z > 0, z, z * z.dtype.type(0.25)),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "gelu_erf": lambda z: z * (0.5 + 0.5 * np.vectorize(math.erf)(z / math.sqrt(2))).astype(z.dtype),
}


def forward(tensors, texts, x):
    a = x
    for layer in range(len(texts["sizes"].split(",")) - 1):
        w, b = tensors[f"layers.{layer}.weight"], tensors[f"layers.{layer}.bias"]
        a = activations[texts[f"layers.{layer}.activation"]](a @ w.T + b)
    return a


def close(name, found, expected):
    tolerance = 1e-13 if expected.dtype == np.float64 else 2e-6
    assert found.dtype == expected.dtype and found.shape == expected.shape, (name, found.dtype, found.shape)
    worst = np.max(np.abs(found - expected))
    assert worst <= tolerance, (name, worst)
    print(f"{name}: {found.shape[0]} predictions, worst difference {worst:.2g}")


def read_ours(number, dtype):
    path = folder / f"ours-{number}.safetensors"
    tensors = load_file(path)
    with safe_open(path, "numpy") as file:
        texts = file.metadata()
    assert texts["kind"] == "mlp" and texts["format"] == "pt" and texts["number"] == number, texts
    sizes = [int(size) for size in texts["sizes"].split(",")]
    for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        assert tensors[f"layers.{layer}.weight"].shape == (outputs, inputs)
        assert tensors[f"layers.{layer}.bias"].shape == (outputs,)
        assert tensors[f"layers.{layer}.weight"].dtype == dtype
    # mlp has an example in a column.
    x = np.load(folder / f"ours-{number}-x.npy").T
    expected = np.load(folder / f"ours-{number}-predictions.npy").T
    mean, scale = tensors["preprocessing.mean"], tensors["preprocessing.scale"]
    standardised = ((x - mean) / scale).astype(dtype)
    close(f"ours, {number}, numpy", forward(tensors, texts, standardised), expected)
    if torch is not None:
        module = torch.nn.Module()
        module.layers = torch.nn.ModuleList(torch.nn.Linear(*side) for side in zip(sizes, sizes[1:]))
        module.to(getattr(torch, np.dtype(dtype).name))
        state = load_torch(path)
        module.load_state_dict({name: t for name, t in state.items() if name.startswith("layers.")})
        functions = [torch.tanh, torch.nn.LeakyReLU(0.25), torch.nn.Sigmoid()]
        a = torch.from_numpy(standardised)
        for layer, g in zip(module.layers, functions):
            a = g(layer(a))
        close(f"ours, {number}, PyTorch", a.detach().numpy(), expected)
    # The same content in the order in which Python writes it: the checksum still holds.
    save_file(tensors, folder / f"again-{number}.safetensors", metadata=texts)


def write_theirs(number, dtype):
    random = np.random.default_rng(7)
    sizes = [5, 4, 3]
    tensors = {}
    for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        tensors[f"layers.{layer}.weight"] = random.normal(size=(outputs, inputs)).astype(dtype)
        tensors[f"layers.{layer}.bias"] = random.normal(size=outputs).astype(dtype)
    texts = {
        "kind": "mlp",
        "format_version": "1",
        "number": number,
        "sizes": ",".join(map(str, sizes)),
        "layers.0.activation": "gelu_erf",
        "layers.1.activation": "identity",
        "loss": "softmax_cross_entropy",
        "loss_is_chosen": "true",
    }
    save_file(tensors, folder / f"theirs-{number}.safetensors", metadata=texts)
    x = random.normal(size=(6, sizes[0])).astype(dtype)
    np.savez(folder / f"theirs-{number}.npz", x=x.T, predictions=forward(tensors, texts, x).T)
    if torch is not None:
        torch.manual_seed(0)
        modules = [torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)]
        module = torch.nn.Sequential(*modules).to(getattr(torch, np.dtype(dtype).name))
        save_torch(module.state_dict(), folder / f"torch-{number}.safetensors")
        predictions = module(torch.from_numpy(x)).detach().numpy()
        np.savez(folder / f"torch-{number}.npz", x=x.T, predictions=predictions.T)


def read_arrays():
    with np.load(folder / "ours.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["empty", "matrix", "vector", "whole", "∂J/∂W"]
        assert arrays["matrix"].dtype == np.float64 and arrays["matrix"].tolist() == [[1, 2, 3], [4, 5, 6]]
        assert arrays["vector"].dtype == np.float32 and arrays["vector"].tolist() == [0.5, -0.25]
        assert arrays["whole"].dtype == np.uint64 and arrays["whole"].tolist() == [2**64 - 1, 0]
        assert arrays["empty"].shape == (0, 3)
        assert arrays["∂J/∂W"].tolist() == [[7]]
    print("ours.npz: five arrays")


for number, dtype in [("f32", np.float32), ("f64", np.float64)]:
    read_ours(number, dtype)
    write_theirs(number, dtype)
read_arrays()
if torch is None:
    print("PyTorch is not installed: its Linear layers were computed by numpy")
else:
    print(f"PyTorch {torch.__version__}")
