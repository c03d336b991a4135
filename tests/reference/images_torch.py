"""Convolution and pooling with their gradients, by PyTorch in double precision.

    pip install torch
    python tests/reference/images_torch.py > tests/data/images.json

Images are flattened, an example a column; kernels are flattened, a kernel a row. The cotangent is given too.
"""

import json

import torch
import torch.nn.functional as F

torch.manual_seed(20261130)

# channels, height, width, kernels, window's height and width, stride, padding
CASES = [(1, 5, 4, 2, 3, 3, 1, 1), (2, 6, 5, 3, 2, 3, 2, 0), (3, 4, 4, 1, 1, 1, 1, 0), (2, 7, 7, 2, 5, 4, 2, 2), (1, 6, 6, 2, 2, 2, 2, 0)]


def columns(x):
    return x.detach().reshape(x.shape[0], -1).T.tolist()


def main():
    golden = []
    for c, h, w, k, kh, kw, stride, padding in CASES:
        m = 3
        x = torch.randn(m, c, h, w, dtype=torch.float64, requires_grad=True)
        kernels = torch.randn(k, c, kh, kw, dtype=torch.float64, requires_grad=True)
        bias = torch.randn(k, dtype=torch.float64, requires_grad=True)
        case = {"sizes": [c, h, w, kh, kw, stride, padding], "X": columns(x), "K": kernels.detach().reshape(k, -1).tolist(),
                "b": bias.detach()[:, None].tolist()}
        results = {"conv2d": F.conv2d(x, kernels, bias, stride, padding)}
        if 2 * padding <= min(kh, kw):
            results["max_pool2d"] = F.max_pool2d(x, (kh, kw), stride, padding)
            results["avg_pool2d"] = F.avg_pool2d(x, (kh, kw), stride, padding)
        for name, y in results.items():
            u = torch.randn_like(y)
            leaves = [x, kernels, bias] if name == "conv2d" else [x]
            gradients = torch.autograd.grad(y, leaves, u)
            shapes = [columns, lambda g: g.reshape(k, -1).tolist(), lambda g: g[:, None].tolist()]
            case[name] = {"value": columns(y), "cotangent": columns(u), "gradients": [of(g) for of, g in zip(shapes, gradients)]}
        golden.append(case)
    print(json.dumps(golden))


main()
