"""Writes numpy*.npy and numpy.npz: arrays of every type and order that numpy writes.

    python3 crates/mlp/tests/golden/arrays.py

Made with numpy 2.4.6. The files stay as they are.
"""
import io
from pathlib import Path

import numpy as np

here = Path(__file__).parent
rows = np.array([[1, 2, 3], [4, 5, 6]])

arrays = {}
for kind in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]:
    for order in "<>":
        # byteorder by name: numpy.savez keeps it.
        array = rows.astype(order + kind)
        arrays[f"{kind} {'little' if order == '<' else 'big'}"] = array
        arrays[f"{kind} {'little' if order == '<' else 'big'} by columns"] = np.asfortranarray(array)
arrays["number"] = np.array(1 / 3)
arrays["list"] = np.array([0.5, -0.25], dtype=np.float32)
arrays["negative"] = np.array([3, -7], dtype=np.int16)
arrays["cube by columns"] = np.asfortranarray(np.arange(24.0).reshape(2, 3, 4))
arrays["no rows"] = np.zeros((0, 3))
arrays["no columns"] = np.asfortranarray(np.zeros((3, 0)))
arrays["∂J/∂W"] = np.array([[np.inf, -0.0]])
np.savez(here / "numpy.npz", **arrays)

np.save(here / "numpy-f8.npy", rows.astype(np.float64) / 7)
for version in [(2, 0), (3, 0)]:
    with open(here / f"numpy-version-{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, rows.astype(">f4"), version=version)
