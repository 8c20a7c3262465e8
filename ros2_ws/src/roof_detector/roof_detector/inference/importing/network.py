# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The construction of a network from its architecture and its weights, both plain data."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from roof_detector.inference.errors import BadModel
from roof_detector.inference.importing.architecture import check_architecture
from roof_detector.inference.quiet_ultralytics import import_quietly

# Measured over all stock and custom architectures, with the first image, of 256 pixels: at most
# 105 million weights, 6.3 million values in one tensor, 23e9 multiplications, 13 thousand calls.
MOST_WEIGHTS = 500_000_000
MOST_VALUES = 2**27  # of one tensor: 512 MiB in FP32
MOST_MULTIPLICATIONS = 100 * 10**9
MOST_OPERATIONS = 100_000

_lock = threading.Lock()  # the parser keeps the activation and a head's generation in classes


def build_network(
    architecture: Mapping[str, Any],
    *,
    most_weights: int = MOST_WEIGHTS,
    strides: Sequence[int] | None = None,
) -> Any:
    """Build an untrained network, an ultralytics DetectionModel, in FP32 on the CPU.

    Ultralytics passes an image through it to find the `strides` of its head. If they are known,
    that pass is skipped, and a model opens in a fraction of the time.

    Each step is counted before it takes memory: raises `BadModel` if a network needs more than any
    supported one, or more than `most_weights`, or if the architecture cannot be built.
    """
    checked = check_architecture(architecture)
    with _lock, torch.random.fork_rng(devices=[]), _Budget(most_weights):
        try:
            return _build(checked, strides=strides)
        except BadModel:
            raise
        except Exception as error:
            # A row that does not fit its layer can raise any error.
            reason = str(error).split('\n', maxsplit=1)[0][:200] or type(error).__name__
            msg = f'The architecture cannot be built ({reason}). Export or save the model again.'
            raise BadModel(msg) from error


def load_network(
    architecture: Mapping[str, Any],
    tensors: Mapping[str, torch.Tensor],
    *,
    strides: Sequence[int] | None = None,
) -> Any:
    """Build a network and load its weights, whose names and shapes must match.

    The network is in FP32, in training mode, with gradients, unless it is `fused`. Raises
    `BadModel`.
    """
    given = sum(tensor.numel() for tensor in tensors.values())
    # A construction allocates up to 2.6 times what it keeps: zeros and ones for normalisations.
    most = min(4 * given + 10_000_000, MOST_WEIGHTS)
    network = build_network(architecture, most_weights=most, strides=strides)
    own = network.state_dict()
    if missing := sorted(own.keys() - tensors.keys()):
        msg = f'{len(missing)} weights of the network are missing, first {missing[0]!r}.'
        raise BadModel(msg)
    if foreign := sorted(tensors.keys() - own.keys()):
        msg = f'{len(foreign)} weights are not of the network, first {foreign[0][:100]!r}.'
        raise BadModel(msg)
    for name, tensor in sorted(tensors.items()):
        if tensor.shape != own[name].shape:
            msg = (
                f'The weights {name[:100]!r} have the shape {tuple(tensor.shape)}, expected '
                f'{tuple(own[name].shape)}.'
            )
            raise BadModel(msg)
        if tensor.is_floating_point() != own[name].is_floating_point():
            msg = f'The weights {name[:100]!r} are of the type {tensor.dtype}.'
            raise BadModel(msg)
    network.load_state_dict(dict(tensors))
    return network


def default_class_branch(head: nn.Module) -> int:
    """Return the width of a head's class branch unless the architecture gives another."""
    inputs = head.cv2[0][0].conv.in_channels  # type: ignore[index, union-attr]
    return max(int(inputs), min(int(head.nc), 100))  # type: ignore[arg-type]


def class_branch_width(head: nn.Module) -> int:
    """Return the width of the hidden layers of a head's class branch."""
    return int(head.cv3[0][-1].in_channels)  # type: ignore[index, union-attr]


def _build(architecture: dict[str, Any], *, strides: Sequence[int] | None) -> Any:
    tasks = import_quietly('ultralytics.nn.tasks')
    plain = _of_the_parser(architecture)
    last = plain['head'][-1][2]
    is_segment = 'Segment' in last
    kind = tasks.SegmentationModel if is_segment else tasks.DetectionModel
    channels = architecture.get('channels', 3)
    if strides is None:
        network = kind(plain, ch=channels, verbose=False)
    else:
        network = kind.__new__(kind)
        nn.Module.__init__(network)
        tasks._initialize_yolo_model(network, plain, channels, None, False)  # noqa: FBT003
        tasks.initialize_weights(network)
        _set_strides(network, strides)
    network.task = 'segment' if is_segment else 'detect'
    width = architecture.get('class_branch')
    head = network.model[-1]
    if width is not None and width != class_branch_width(head):
        _rebuild_class_branch(head, width)
    network.yaml = {**network.yaml, **({} if width is None else {'class_branch': width})}
    _part_activations(network)
    if architecture.get('fused'):
        network.fuse(verbose=False)
        network.requires_grad_(False)  # noqa: FBT003
    return network


def _set_strides(network: Any, strides: Sequence[int]) -> None:
    head = network.model[-1]
    if len(strides) != head.nl:
        msg = f'The head has {head.nl} levels, but {len(strides)} strides are given.'
        raise BadModel(msg)
    head.inplace = network.inplace
    head.stride = network.stride = torch.tensor([float(one) for one in strides])


def _part_activations(network: nn.Module) -> None:
    """Give a network activations of its own: ultralytics' layers share one per process."""
    own: dict[int, nn.Module] = {}
    for module in network.modules():
        shared = getattr(type(module), 'default_act', None)
        for name, child in module.named_children():
            if child is shared:
                setattr(module, name, own.setdefault(id(child), deepcopy(child)))


def _of_the_parser(architecture: Mapping[str, Any]) -> dict[str, Any]:
    ours = ('class_branch', 'fused', 'channels')
    return {key: _copied(value) for key, value in architecture.items() if key not in ours}


def _rebuild_class_branch(head: Any, width: int) -> None:
    """Give a head the class branch that belongs to `width` classes, with its own last layer."""
    inputs = [branch[0].conv.in_channels for branch in head.cv2]
    modules = import_quietly('ultralytics.nn.modules')
    if isinstance(head, modules.v10Detect) or width < inputs[0]:
        msg = f'The head {type(head).__name__} has no class branch of {width} channels.'
        raise BadModel(msg)
    convolution, depthwise = modules.Conv, import_quietly('ultralytics.nn.modules.conv').DWConv
    fresh = nn.ModuleList()
    for channels, old in zip(inputs, head.cv3, strict=True):
        # Networks before YOLO11 have full convolutions where later ones have depthwise pairs.
        hidden = (
            [convolution(channels, width, 3), convolution(width, width, 3)]
            if isinstance(old[0], convolution)
            else [
                nn.Sequential(depthwise(channels, channels, 3), convolution(channels, width, 1)),
                nn.Sequential(depthwise(width, width, 3), convolution(width, width, 1)),
            ]
        )
        fresh.append(nn.Sequential(*hidden, nn.Conv2d(width, old[-1].out_channels, 1)))
    for module in fresh.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = 1e-3, 0.03  # the values that ultralytics sets
    head.cv3 = fresh
    head.bias_init()


def _copied(value: Any) -> Any:
    """Return a deep copy of lists and mappings, because the parser modifies what it reads."""
    if isinstance(value, Mapping):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


class _Budget(TorchFunctionMode):
    """A limit that stops the construction of a network larger than any supported one.

    A tensor is counted before it is allocated if a function creates a new or a larger one.
    """

    def __init__(self, most_weights: int) -> None:
        super().__init__()
        self._most_weights = most_weights
        self.operations = 0
        self.values = 0
        self.largest = 0
        self.multiplications = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self.operations += 1
        if func in _FACTORIES:
            made = _values_to_make(args, kwargs)
            self.values += made
            self.largest = max(self.largest, made)
        elif func in _GROWTH:
            made, multiplications = _GROWTH[func](*args, **kwargs)
            self.largest = max(self.largest, made)
            self.multiplications += multiplications
        self._check()
        output = func(*args, **kwargs)
        for one in output if isinstance(output, list | tuple) else (output,):
            if isinstance(one, torch.Tensor):
                self.largest = max(self.largest, one.numel())
        self._check()
        return output

    def _check(self) -> None:
        for count, most, what in (
            (self.operations, MOST_OPERATIONS, 'operations'),
            (self.values, self._most_weights, 'weights'),
            (self.largest, MOST_VALUES, 'values in one tensor'),
            (self.multiplications, MOST_MULTIPLICATIONS, 'multiplications'),
        ):
            if count > most:
                msg = (
                    f'The architecture takes more than {most} {what} to build. It is not a '
                    'network that is flown.'
                )
                raise BadModel(msg)


def _values_to_make(args: Any, kwargs: Any) -> int:
    size = kwargs.get('size', args)
    if len(size) and isinstance(size[0], Sequence):
        size = size[0]
    return math.prod(int(side) for side in size if isinstance(side, int | float))


def _convolved(image: Any, weight: Any, *rest: Any, **named: Any) -> tuple[int, int]:
    """Return the number of values and multiplications of a convolution, from its arguments."""
    given = dict(zip(('bias', 'stride', 'padding', 'dilation'), rest, strict=False)) | named
    stride, dilation = (_sides(given.get(name, 1)) for name in ('stride', 'dilation'))
    if isinstance(given.get('padding'), str):
        sides = [float(side) for side in image.shape[2:]]
    else:
        sides = [
            (side + 2 * p - d * (k - 1) - 1) / max(s, 1) + 1
            for side, k, p, s, d in zip(
                image.shape[2:],
                weight.shape[2:],
                _sides(given.get('padding', 0)),
                stride,
                dilation,
                strict=False,
            )
        ]
    values = int(image.shape[0] * weight.shape[0] * math.prod(max(side, 0) for side in sides))
    return values, values * weight[0].numel()


def _convolved_back(image: Any, weight: Any, *rest: Any, **named: Any) -> tuple[int, int]:
    given = (
        dict(zip(('bias', 'stride', 'padding', 'output_padding', 'groups'), rest, strict=False))
        | named
    )
    sides = [
        side * s + k
        for side, k, s in zip(
            image.shape[2:], weight.shape[2:], _sides(given.get('stride', 1)), strict=False
        )
    ]
    channels = weight.shape[1] * int(given.get('groups', 1))
    values = int(image.shape[0] * channels * math.prod(sides))
    return values, image.numel() * weight[0].numel()


def _resized(image: Any, size: Any = None, scale_factor: Any = None, *_: Any, **__: Any) -> Any:
    sides = (
        _sides(size)
        if size is not None
        else [
            side * s for side, s in zip(image.shape[2:], _sides(scale_factor or 1), strict=False)
        ]
    )
    return int(image.shape[0] * image.shape[1] * math.prod(sides[: image.dim() - 2])), 0


def _padded(image: Any, pad: Any, *_: Any, **__: Any) -> tuple[int, int]:
    sides = list(image.shape)
    for index, (before, after) in enumerate(zip(pad[::2], pad[1::2], strict=False)):
        sides[-1 - index] += before + after
    return math.prod(max(side, 0) for side in sides), 0


def _multiplied(one: Any, other: Any, *_: Any, **__: Any) -> tuple[int, int]:
    last = one.shape[-1] if one.dim() else 1
    rows = one.numel() // max(last, 1)
    values = rows * (other.numel() // max(last, 1)) if other.dim() < 3 else rows * other.shape[-1]
    return values, values * last


def _sides(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) else [value] * 3


_FACTORIES = frozenset({torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.full})
_GROWTH: Mapping[Any, Callable[..., tuple[int, int]]] = {
    torch.conv1d: _convolved,
    torch.conv2d: _convolved,
    torch.conv_transpose2d: _convolved_back,
    nn.functional.interpolate: _resized,
    nn.functional.pad: _padded,
    nn.functional.linear: lambda one, other, *_, **__: _multiplied(one, other),
    torch.matmul: _multiplied,
    torch.bmm: _multiplied,
    torch.Tensor.matmul: _multiplied,
    torch.Tensor.__matmul__: _multiplied,
}
