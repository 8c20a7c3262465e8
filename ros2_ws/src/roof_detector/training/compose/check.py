# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The proof of one variant: built, run forward and backward, fused, exported and compared."""

from __future__ import annotations

import tempfile
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from training.compose.build import build_network
from training.compose.exported import export_onnx, onnx_session, openvino_model, openvino_outputs
from training.criterion import use_losses
from training.research.flop_count import count_flops

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.compose.description import Description
    from training.compose.exported import Array
    from training.compose.pass_time import StockPass

_SIDE = 64
_CLASSES: Final = 3
# The gains of ultralytics' losses; they only scale the gradients here.
_GAINS: Final = {'box': 7.5, 'cls': 0.5, 'dfl': 1.5, 'angle': 1.0, 'overlap_mask': True}
_NORMALISATION: Final = torch.nn.modules.batchnorm._BatchNorm
STEPS: Final = ('fuse', 'onnx', 'openvino')


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was found of a variant; `problem` is '' if all went well.

    The errors are the largest differences between what two networks answer to one image, in shares
    of the largest value of each channel: fused beside trained, ONNX Runtime and OpenVINO (float32)
    beside fused. `gflops` are those of a square image of `side` pixels. `time_ratio` is the time
    of a pass in OpenVINO over that of the stock network, 0 if it was not measured.
    """

    description: Description
    problem: str
    parameters: int = 0
    gflops: float = 0.0
    fuse_error: float = 0.0
    onnx_error: float = 0.0
    openvino_error: float = 0.0
    time_ratio: float = 0.0
    took_s: float = 0.0


def prove(
    description: Description,
    *,
    side: int = _SIDE,
    tolerance: float = 1e-3,
    stock: StockPass | None = None,
) -> Proof:
    """Build a variant and try what training and flying do with it, on the CPU.

    The exports see one square image of `side` pixels; with `stock` their time is compared with
    that of the stock network. Inputs and weights are random, of a fixed seed. No error is raised
    for a variant that fails: it stands in the proof.
    """
    begin = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the tracer's, about sizes that are constants
            facts = _facts(description, side, stock)
    except Exception as error:
        problem = f'{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ""}'
        return Proof(description=description, problem=problem, took_s=time.monotonic() - begin)
    problems = [
        f'{key} differs by {facts[f"{key}_error"]:.1e}'
        for key in STEPS
        if not facts[f'{key}_error'] <= tolerance
    ]
    return Proof(
        description=description,
        problem='; '.join(problems),
        took_s=time.monotonic() - begin,
        **facts,
    )


def _facts(description: Description, side: int, stock: StockPass | None) -> dict[str, Any]:
    with _seeded():
        network = build_network(description, class_count=_CLASSES)
        _train_step(network, description)
        _settle(network)
        fused, fuse_error, image = _fuse(network, side)
    gflops = count_flops(lambda: fused(image)).total / 1e9
    with torch.inference_mode():
        wanted = _outputs(fused(image))
    with tempfile.TemporaryDirectory() as folder:
        path = export_onnx(fused, image, Path(folder) / 'variant.onnx')
        onnx = onnx_session(path).run(None, {'images': image.numpy()})
        compiled = openvino_model(path)
        return {
            'parameters': sum(weights.numel() for weights in network.parameters()),
            'gflops': gflops,
            'fuse_error': fuse_error,
            'onnx_error': _difference(wanted, onnx),
            'openvino_error': _difference(wanted, openvino_outputs(compiled, image.numpy())),
            'time_ratio': stock.ratio(compiled) if stock is not None else 0.0,
        }


@contextmanager
def _seeded() -> Iterator[None]:
    """Make random numbers those of one seed, and go on with the caller's afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def _train_step(network: Any, description: Description) -> None:
    """Run forward and backward with the losses of the description on two images.

    Raises ValueError unless the loss and all gradients are finite.
    """
    network.args = SimpleNamespace(**_GAINS)
    use_losses(network, box_loss=description.box_loss, class_loss=description.class_loss)
    network.train()
    loss, _ = network.loss(_batch(description.task))
    loss.sum().backward()
    found = [one.grad for one in network.parameters() if one.grad is not None]
    if not found or not all(bool(torch.isfinite(one).all()) for one in (loss, *found)):
        msg = 'the loss or its gradients are not finite'
        raise ValueError(msg)
    network.criterion = None
    network.zero_grad()


def _batch(task: str) -> dict[str, torch.Tensor]:
    """Return two images of random pixels with three objects each, as ultralytics' loader does."""
    images, objects = 2, 3
    boxes = torch.cat(
        [torch.rand(images * objects, 2) * 0.6 + 0.2, torch.rand(images * objects, 2) / 3 + 0.1], 1
    )
    batch = {
        'img': torch.rand(images, 3, _SIDE, _SIDE),
        'batch_idx': torch.arange(images).repeat_interleave(objects).float(),
        'cls': torch.arange(images * objects).remainder(_CLASSES).float()[:, None],
        'bboxes': boxes,
    }
    if task == 'obb':
        batch['bboxes'] = torch.cat([boxes, torch.rand(len(boxes), 1)], 1)
    if task == 'segment':
        batch['masks'] = torch.randint(0, objects + 1, (images, _SIDE // 4, _SIDE // 4)).float()
    return batch


def _settle(network: Any) -> None:
    """Give the normalisations the statistics of random images, and variances of 1 at least.

    With those of a new network the maps of a deep one with many branches would grow without end;
    smaller variances, as two small images give, would make rounding errors large.
    """
    norms = [one for one in network.modules() if isinstance(one, _NORMALISATION)]
    before = [one.momentum for one in norms]
    for one in norms:
        one.momentum = 1.0
    with torch.no_grad():
        network(torch.rand(2, 3, _SIDE, _SIDE))
    for one, momentum in zip(norms, before, strict=True):
        one.momentum = momentum
        if one.running_var is not None:
            one.running_var.clamp_(min=1.0)


def _fuse(network: Any, side: int) -> tuple[Any, float, torch.Tensor]:
    """Return the fused network, how much it differs, and the image on which it was compared.

    The normalisations get weights as after training; with those of a new network there would be
    little to fold.
    """
    network.eval()
    for weights in network.parameters():
        weights.requires_grad_(requires_grad=False)
    for layer in network.modules():
        if isinstance(layer, _NORMALISATION):
            for name, values in layer.state_dict().items():
                if name in {'weight', 'running_var'}:
                    values.mul_(torch.rand_like(values) * 0.4 + 0.8)
                elif name in {'bias', 'running_mean'}:
                    values.add_(torch.randn_like(values) * 0.1)
    network.model[-1].export = True
    image = torch.rand(1, 3, side, side)
    with torch.inference_mode():
        before = _outputs(network(image))
    fused = network.fuse(verbose=False)
    with torch.inference_mode():
        return fused, _difference(before, _outputs(fused(image))), image


def _outputs(value: Any) -> list[Array]:
    """Return all arrays of an answer, in order."""
    if isinstance(value, torch.Tensor):
        return [value.numpy()]
    return [one for part in value for one in _outputs(part)]


def _difference(ones: Sequence[Array], others: Sequence[Array]) -> float:
    """Return the largest difference of any channel, in shares of its largest value."""
    if [one.shape for one in ones] != [other.shape for other in others]:
        return float('inf')
    largest = 0.0
    for one, other in zip(ones, others, strict=True):
        axes = tuple(axis for axis in range(one.ndim) if axis != 1)
        size = np.abs(one).max(axes).clip(1e-3)
        shares = np.abs(one - other).max(axes) / size
        largest = max(largest, float(shares.max())) if np.isfinite(shares).all() else float('inf')
    return largest
