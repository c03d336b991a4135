"""Runs the ONNX files that tests/interchange/onnx.rs has written, and compares with what the programs computed.

    python onnx_check.py FOLDER

Needs onnx, onnxruntime and numpy. Each file passes onnx.checker with full shape inference; each of its runs is done by
ONNX Runtime and by ONNX's reference evaluator. Outputs agree norm-wise, within 1e-12 in f64 and 1e-5 in f32; in the files
whose names end with `digits`, element by element within 1e-12 and 1e-5 of each element, and what is finite in one is in both.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

TOLERANCE = {"f64": 1e-12, "f32": 1e-5}
DTYPE = {"f64": np.float64, "f32": np.float32}


def matrix(rows, dtype):
    return np.array([[float(x) for x in row] for row in rows], dtype)


def difference(found, expected, by_element):
    if found.shape != expected.shape:
        return np.inf
    if not np.array_equal(np.isfinite(found), np.isfinite(expected)):
        return np.inf
    finite = np.isfinite(expected)
    found, expected = found[finite].astype(float), expected[finite].astype(float)
    if not np.size(expected):
        return 0.0
    apart = np.abs(found - expected)
    if by_element:
        # An element that is subnormal has no more digits, and runtimes may make it 0.
        return np.max(np.where(np.abs(expected) < 1e-37, apart, apart / np.maximum(np.abs(expected), 1e-300)))
    size = np.max(np.abs(expected))
    return np.max(apart) / size if size else np.max(apart)


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    run = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda inputs: run.run(None, inputs)


def reference(path):
    run = ReferenceEvaluator(onnx.load(path))
    return lambda inputs: run.run(None, inputs)


RUNTIMES = {"onnxruntime": session, "reference": reference}


def check(path):
    about = json.loads(path.with_suffix(".json").read_text())
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    dtype, worst = DTYPE[about["numbers"]], 0.0
    for name in about["runtimes"]:
        run = RUNTIMES[name](path)
        for case in about["runs"]:
            inputs = {name: matrix(rows, dtype) for name, rows in case["inputs"].items()}
            if about["inputs_turned"]:
                inputs = {name: x.T for name, x in inputs.items()}
            wanted = {value.name for value in model.graph.input}
            inputs = {name: x for name, x in inputs.items() if name in wanted}
            with np.errstate(all="ignore"):
                found = run(inputs)
            for at, (value, rows, turned) in enumerate(zip(found, case["outputs"], about["outputs_turned"])):
                expected = matrix(rows, dtype)
                apart = difference(np.asarray(value), expected.T if turned else expected, path.stem.endswith("_digits"))
                worst = max(worst, apart)
                if not apart <= TOLERANCE[about["numbers"]]:
                    label = model.graph.output[at].name
                    raise AssertionError(f"{name}, m = {case['m']}, {label}: {apart:.1e} off\n{value}\n{expected}")
    return worst, path.stat().st_size


def main(folder):
    paths = sorted(Path(folder).glob("*.onnx"))
    failed = []
    for path in paths:
        try:
            worst, size = check(path)
            print(f"{path.stem:<44} {size:>7} bytes  {worst:.1e}")
        except Exception as error:  # each file is to be heard
            failed.append(path.stem)
            print(f"{path.stem:<44} FAILED: {str(error)[:600]}")
    print(f"{len(paths)} files, {len(failed)} failed {' '.join(failed)}")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
