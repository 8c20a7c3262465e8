# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Convolutions whose kernel is a learned polynomial: Kolmogorov-Arnold with a Legendre basis."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import nn

from roof_detector.blocks.c3k2_stage import C3k2Stage
from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    from collections.abc import Callable

# Below this range an input counts as constant; it keeps the division finite, also in float16.
LEAST_RANGE = 1e-6

Normalization = Literal['sample', 'batch']


class _KALNConv(nn.Module):
    """A convolution of x and its Legendre polynomials.

    x (b, c1, *size) -> (b, c2, *size'): y = SiLU(norm(W0 * x + W * [P_0(t) .. P_degree(t)])),
    where t = 2 (x - min) / (max - min) - 1 over each group of channels, and * is a convolution
    (Drokin, "Kolmogorov-Arnold convolutions", arXiv:2407.01092, with Legendre polynomials).

    With normalization='sample' the extremes are those of each sample, so that an image's result
    does not depend on the others of its batch; 'batch' is the published rule. `norm` makes the
    normalisation from the number of channels; the default is the published instance
    normalisation. Dropout acts on t.
    """

    convolution: ClassVar[type[nn.Module]]
    instance_norm: ClassVar[type[nn.Module]]
    drop_channels: ClassVar[type[nn.Module]]

    def __init__(  # noqa: PLR0917  (the order of the convolutions of torch)
        self,
        c1: int,
        c2: int,
        kernel_size: int | tuple[int, ...],
        degree: int = 3,
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        norm: Callable[[int], nn.Module] | None = None,
        dropout: float = 0.0,
        normalization: Normalization = 'sample',
    ) -> None:
        super().__init__()
        if degree < 1:
            msg = f'The degree of the polynomials is at least 1, not {degree}.'
            raise BlocksError(msg)
        if normalization not in {'sample', 'batch'}:
            msg = f"normalization is 'sample' or 'batch', not '{normalization}'."
            raise BlocksError(msg)
        self.degree = degree
        self.groups = groups
        self.normalization = normalization
        geometry = {
            'stride': stride,
            'padding': padding,
            'dilation': dilation,
            'groups': groups,
            'bias': False,
        }
        self.linear = self.convolution(c1, c2, kernel_size, **geometry)
        self.polynomial = self.convolution(c1 * (degree + 1), c2, kernel_size, **geometry)
        self.norm = (norm or self.instance_norm)(c2)
        self.dropout = self.drop_channels(dropout) if dropout > 0 else nn.Identity()
        for convolution in (self.linear, self.polynomial):
            nn.init.kaiming_uniform_(convolution.get_parameter('weight'), nonlinearity='linear')

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the layer's output, (b, c2, *size')."""
        t = self.dropout(self._normalized(x))
        return nn.functional.silu(self.norm(self.linear(x) + self.polynomial(self._basis(t))))

    def _normalized(self, x: torch.Tensor) -> torch.Tensor:
        grouped = self._grouped(x)
        dims = [dim for dim in range(grouped.ndim) if dim != 1]
        if self.normalization == 'sample':
            dims.remove(0)
        low, high = grouped.amin(dims, keepdim=True), grouped.amax(dims, keepdim=True)
        return _joined(2 * (grouped - low) / (high - low).clamp(min=LEAST_RANGE) - 1)

    def _basis(self, t: torch.Tensor) -> torch.Tensor:
        """Return P_0 .. P_degree of t, side by side within each group of channels."""
        return _joined(torch.cat(legendre_polynomials(self._grouped(t), self.degree), 2))

    def _grouped(self, x: torch.Tensor) -> torch.Tensor:
        # Not unflatten: with it, onnxslim made the batch of an exported model constant.
        return x.reshape(x.shape[0], self.groups, -1, *x.shape[2:])


class KALNConv1d(_KALNConv):
    """A convolution of a sequence, (b, c1, l) -> (b, c2, l'), with Legendre polynomials."""

    convolution = nn.Conv1d
    instance_norm = nn.InstanceNorm1d
    drop_channels = nn.Dropout1d


class KALNConv2d(_KALNConv):
    """A convolution of an image, (b, c1, h, w) -> (b, c2, h', w'), with Legendre polynomials."""

    convolution = nn.Conv2d
    instance_norm = nn.InstanceNorm2d
    drop_channels = nn.Dropout2d


class KALNConv3d(_KALNConv):
    """A convolution of a volume, (b, c1, d, h, w) -> (b, c2, d', h', w'); see KALNConv2d."""

    convolution = nn.Conv3d
    instance_norm = nn.InstanceNorm3d
    drop_channels = nn.Dropout3d


@register(stands_for='C3k2')
class C3k2_KALN(C3k2Stage):  # noqa: N801  (named like the stage it replaces)
    """Ultralytics' C3k2 stage with Legendre convolutions instead of bottlenecks.

    Batch normalisation replaces the published instance normalisation, as everywhere else in the
    network: at a 1 x 1 map an instance has no variance.
    """

    def __init__(
        self, c1: int, c2: int, n: int = 1, *, c3k: bool = False, e: float = 0.5, degree: int = 3
    ) -> None:
        def inner(c: int) -> nn.Module:
            return KALNConv2d(c, c, 3, degree, padding=1, norm=nn.BatchNorm2d)

        super().__init__(c1, c2, n, c3k=c3k, e=e, inner=inner)


def _joined(grouped: torch.Tensor) -> torch.Tensor:
    return grouped.reshape(grouped.shape[0], -1, *grouped.shape[3:])


def legendre_polynomials(t: torch.Tensor, degree: int) -> list[torch.Tensor]:
    """Return P_0(t) .. P_degree(t), by (n+1) P_(n+1) = (2n+1) t P_n - n P_(n-1)."""
    polynomials = [torch.ones_like(t), t]
    for n in range(1, degree):
        polynomials.append(((2 * n + 1) * t * polynomials[n] - n * polynomials[n - 1]) / (n + 1))
    return polynomials[: degree + 1]
