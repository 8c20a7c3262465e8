# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Modulated deformable convolution, DCNv2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.pixel_sampling import coordinate_dtype, sample_bilinear


def modulated_deform_conv2d(  # noqa: PLR0917  (the order of torchvision and mmcv)
    x: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 1,
    dilation: int | tuple[int, int] = 1,
    *,
    groups: int = 1,
    deform_groups: int = 1,
) -> Tensor:
    """Convolve with taps that are moved by `offset` and weighed by `mask`.

    y(p) = sum_k w_k m_k(p) x(p + p_k + dp_k(p)), Zhu et al., arXiv:1811.11168, eq. 1; x is read
    bilinearly and is zero outside. With g deformation groups and K = kh kw taps, row by row:
    x (b, c, h, w); offset (b, 2 g K, h', w') in pixels of x, ordered dy_0, dx_0, dy_1, dx_1, ...;
    mask (b, g K, h', w'), or None for all ones (DCNv1); weight (o, c / groups, kh, kw); bias (o,)
    -> (b, o, h', w'), where h' and w' are the sizes of the plain convolution.

    One gather and one matrix product, of operators that ONNX 16, OpenVINO, TorchScript and
    TensorRT have; positions stay float32 in half precision and under autocast.
    """
    kernel = (int(weight.shape[2]), int(weight.shape[3]))
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    batch, channels = x.shape[:2]
    height, width = offset.shape[2:]
    taps = kernel[0] * kernel[1]
    if not torch.jit.is_tracing():  # type: ignore[attr-defined]  # documented, yet not exported
        size = tuple(
            (x.shape[2 + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
            for i in (0, 1)
        )
        _check_shape('offset', offset, (batch, 2 * deform_groups * taps, *size))
        if mask is not None:
            _check_shape('mask', mask, (batch, deform_groups * taps, *size))

    precise = coordinate_dtype(x.dtype)
    rows, columns = (
        torch.arange(size, dtype=precise, device=x.device) * stride[i] - padding[i]
        for i, size in enumerate((height, width))
    )
    tap_rows, tap_columns = (
        torch.arange(kernel[i], dtype=precise, device=x.device) * dilation[i] for i in (0, 1)
    )
    moved = offset.reshape(batch * deform_groups, taps, 2, height, width).to(precise)
    rows = moved[:, :, 0] + (tap_rows.repeat_interleave(kernel[1])[:, None, None] + rows[:, None])
    columns = moved[:, :, 1] + (tap_columns.repeat(kernel[0])[:, None, None] + columns)

    sampled = sample_bilinear(
        x.reshape(batch * deform_groups, channels // deform_groups, *x.shape[2:]),
        rows.reshape(batch * deform_groups, taps * height, width),
        columns.reshape(batch * deform_groups, taps * height, width),
        outside='zeros',
    )
    if mask is not None:
        sampled = sampled * mask.reshape(batch * deform_groups, 1, taps * height, width)
    return F.conv2d(
        sampled.reshape(batch, channels * taps, height, width),
        weight.reshape(weight.shape[0], -1, 1, 1),
        bias,
        groups=groups,
    )


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _check_shape(name: str, tensor: Tensor, expected: tuple[int, ...]) -> None:
    # Kernels without this check read memory beyond the map: microsoft/DynamicHead issue 25.
    if tuple(tensor.shape) != expected:
        msg = (
            f'The {name} has shape {tuple(tensor.shape)}, expected {expected} for this input, '
            'kernel, stride and padding: predict it at the size of the output.'
        )
        raise BlocksError(msg)
