# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The count of floating-point operations that a network really executes.

Counters that hook modules miss matrix products, sampling and scans written with functions. This
one counts below all of them, where torch dispatches its elementary operations.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Operations per output value, for operators that torch's own table of products lacks.
PER_OUTPUT: Final[Mapping[str, int]] = {
    'grid_sampler_2d': 8,  # four neighbours, a product and a sum each
    'grid_sampler_3d': 16,
    'upsample_bilinear2d': 8,
    '_prelu_kernel': 1,
    '_native_batch_norm_legit_no_training': 2,
    'native_batch_norm': 2,
    'cudnn_batch_norm': 2,
    'linspace': 1,
    'arange': 1,
}
# Operations per input value.
PER_INPUT: Final[Mapping[str, int]] = {
    'amax': 1,
    'amin': 1,
    'aminmax': 2,
    'max': 1,
    'min': 1,
    'mean': 1,
    'sum': 1,
    'cumsum': 1,
    'cumprod': 1,
    'logcumsumexp': 3,
    'var': 3,
    'var_mean': 4,
    '_softmax': 5,  # maximum, difference, exponential, sum, quotient
    'native_group_norm': 6,  # mean, deviation, square, sum, scale, shift
    'native_layer_norm': 6,
    'adaptive_avg_pool2d': 1,
    '_adaptive_avg_pool2d': 1,
}
# Operations that only move or index numbers. Views are recognised automatically.
_FREE_NAMES = (
    '_to_copy _unsafe_view _local_scalar_dense cat clone constant_pad_nd copy_ empty empty_like '
    'fill_ flip full full_like gather index index_put_ index_select lift_fresh new_empty new_full '
    'new_ones new_zeros ones ones_like promote_types repeat roll scatter select_backward '
    'select_scatter slice_scatter sort stack topk upsample_nearest2d zeros zeros_like zero_'
)
FREE: Final = frozenset(_FREE_NAMES.split())


@dataclass(frozen=True, kw_only=True)
class FlopCount:
    """Floating-point operations by kind, and the names of operations without a known cost."""

    products: int
    sampling: int
    other: int
    unpriced: frozenset[str]

    @property
    def total(self) -> int:
        """Return all operations."""
        return self.products + self.sampling + self.other


def count_flops(function: Callable[[], Any]) -> FlopCount:
    """Call the function and count.

    Convolutions and matrix products cost 2 for each multiply-accumulate, without the bias;
    bilinear sampling 8 for each value sampled; a pooled value its window; an elementwise
    operation, be it a sum or an exponential, 1 for each value; reductions and normalisations as in
    the tables above. A loop or a scan costs what it executes. Kernels outside torch's dispatcher,
    such as a Triton kernel, cannot be seen: count on the CPU.
    """
    with torch.no_grad(), _Tally() as tally:
        function()
    return FlopCount(
        products=tally.cost['products'],
        sampling=tally.cost['sampling'],
        other=tally.cost['other'],
        unpriced=frozenset(tally.unpriced),
    )


class _Tally(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.cost: Counter[str] = Counter()
        self.unpriced: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        packet, name = func._overloadpacket, func._overloadpacket.__name__
        base = name.removesuffix('_')
        if packet in flop_registry:
            self.cost['products'] += flop_registry[packet](*args, **kwargs, out_val=out)
        elif base in PER_OUTPUT or name in PER_OUTPUT:
            kind = 'sampling' if 'sample' in base else 'other'
            self.cost[kind] += PER_OUTPUT.get(name, PER_OUTPUT.get(base, 0)) * _values(out)
        elif name in PER_INPUT:
            self.cost['other'] += PER_INPUT[name] * _values(args[0])
        elif name in {'max_pool2d_with_indices', 'avg_pool2d'}:
            self.cost['other'] += _window(args[1]) * _values(out)
        elif name in FREE or base in FREE or _is_view(func):
            pass
        elif torch.Tag.pointwise in func.tags or _functional_is_pointwise(packet, base):
            self.cost['other'] += _values(out)
        else:
            self.unpriced.add(name)
        return out


def _values(out: Any) -> int:
    """Return the number of real values; operations with several results count the first."""
    first = out[0] if isinstance(out, (tuple, list)) else out
    if not isinstance(first, torch.Tensor):
        return 0
    return first.numel() * (2 if first.is_complex() else 1)


def _window(kernel: Any) -> int:
    height, width = (kernel * 2 if len(kernel) == 1 else kernel) if kernel else (1, 1)
    return int(height * width)


def _is_view(func: Any) -> bool:
    returns = func._schema.returns
    return any(r.alias_info is not None and not r.alias_info.is_write for r in returns)


def _functional_is_pointwise(packet: Any, base: str) -> bool:
    """Recognise an in-place operation by its sibling, which carries the tag."""
    with suppress(AttributeError):
        sibling = getattr(torch.ops.aten, base)
        overload = getattr(sibling, sibling.overloads()[0])
        return packet.__name__ != base and torch.Tag.pointwise in overload.tags
    return False
