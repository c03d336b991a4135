"""Makes the networks that tests/import.rs reads: ONNX files by the package onnx, predictions by ONNX Runtime.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy
    python crates/mlp/tests/golden/onnx_import.py
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent


def make(name, dtype, rows):
    random = np.random.default_rng(7)
    of = TensorProto.FLOAT if dtype == np.float32 else TensorProto.DOUBLE

    def constant(name, *shape):
        return numpy_helper.from_array(random.normal(size=shape).astype(dtype), name)

    nodes, constants = [], []
    if rows:
        # As PyTorch exports nn.Linear, then by hand.
        constants += [constant("0.weight", 5, 3), constant("0.bias", 5), constant("w", 5, 4), constant("b", 1, 4)]
        constants += [constant("u", 4, 2)]
        nodes.append(helper.make_node("Gemm", ["x", "0.weight", "0.bias"], ["h"], transB=1))
        nodes.append(helper.make_node("Elu", ["h"], ["a"], alpha=0.5))
        nodes.append(helper.make_node("MatMul", ["a", "w"], ["h2"]))
        nodes.append(helper.make_node("Add", ["b", "h2"], ["h3"]))
        nodes.append(helper.make_node("Sigmoid", ["h3"], ["gate"]))
        nodes.append(helper.make_node("Mul", ["gate", "h3"], ["a2"]))
        nodes.append(helper.make_node("Gemm", ["a2", "u"], ["z"]))
        nodes.append(helper.make_node("Softmax", ["z"], ["y"], axis=1))
        shapes = [("m", 3), ("m", 2)]
    else:
        constants += [constant("w", 4, 3), constant("b", 4, 1), constant("u", 1, 4)]
        nodes.append(helper.make_node("MatMul", ["w", "x"], ["h"]))
        nodes.append(helper.make_node("Add", ["h", "b"], ["h2"]))
        nodes.append(helper.make_node("Tanh", ["h2"], ["a"]))
        nodes.append(helper.make_node("MatMul", ["u", "a"], ["z"]))
        nodes.append(helper.make_node("Sigmoid", ["z"], ["y"]))
        shapes = [(3, "m"), (1, "m")]
    x_info = helper.make_tensor_value_info("x", of, shapes[0])
    y_info = helper.make_tensor_value_info("y", of, shapes[1])
    graph = helper.make_graph(nodes, name, [x_info], [y_info], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())
    x = random.normal(size=(6, 3)).astype(dtype)
    y = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x if rows else x.T})[0]
    y = y if rows else y.T
    (HERE / f"{name}.json").write_text(json.dumps({"x": x.tolist(), "y": y.tolist()}) + "\n")


make("import_rows", np.float32, True)
make("import_columns", np.float64, False)


def other(name, nodes, y, **constants):
    """A network of 5 examples in rows, W of which is 3 x 5, that goes on in another way than a chain of layers would."""
    random = np.random.default_rng(8)
    constants = {name: random.normal(size=shape).astype(np.float32) for name, shape in constants.items()}
    constants = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in [("x", (5, 3)), ("y", y)]]
    first = helper.make_node("MatMul", ["x", "w"], ["z"])
    graph = helper.make_graph([first, *nodes], name, infos[:1], infos[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


node = helper.make_node
other("import_softmax_of_examples", [node("Softmax", ["z"], ["y"], axis=0)], (5, 5), w=(3, 5))
turned = node("Transpose", ["z"], ["t"])
other("import_softmax_turned", [turned, node("Softmax", ["t"], ["y"], axis=1)], (5, 5), w=(3, 5))
other("import_bias_of_examples", [turned, node("Add", ["t", "b"], ["y"])], (5, 5), w=(3, 5), b=(5,))
other("import_square", [node("Sigmoid", ["z"], ["unused"]), node("Mul", ["z", "z"], ["y"])], (5, 5), w=(3, 5))
same = node("Transpose", ["z"], ["t"], perm=[0, 1])
other("import_same_axes", [same, node("MatMul", ["v", "t"], ["y"])], (5, 5), w=(3, 5), v=(5, 5))
