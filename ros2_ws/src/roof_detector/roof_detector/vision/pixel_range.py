# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Brings pixel values of more than 8 bits to 8 bits, by the range that their file declares."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# Grey values that fill less of the declared range are those of a thermal or multispectral sensor,
# which declares 16 bits and uses a part of them: linear scaling would leave one shade of grey.
_LEAST_SHARE = 0.25
_PERCENTILES = (0.5, 99.5)
_FEWEST_BITS = 9


def to_eight_bits(
    values: npt.NDArray[Any],
    *,
    declared: tuple[float, float] | None,
    valid: npt.NDArray[np.bool_] | None = None,
) -> tuple[npt.NDArray[np.uint8], str]:
    """Return grey (height, width) or colour (height, width, 3) values as uint8, and a note.

    `declared` is the range of values that the file states or its format implies, None where there
    is none; `valid` (height, width) is False where there is no value: these become 0. The note is
    a sentence without its subject where another range than the declared one was used, else ''.
    """
    if values.dtype == np.uint8 and declared in (None, (0.0, 255.0)):
        return np.ascontiguousarray(values), ''
    known = np.isfinite(values) if values.dtype.kind == 'f' else np.ones(values.shape, bool)
    if valid is not None:
        known &= valid if values.ndim == 2 else valid[..., None]
    inside = values[known]
    if not inside.size:
        return np.zeros(values.shape, np.uint8), 'has no valid pixel and is black'
    bounds, note = _bounds(inside, declared, is_grey=values.ndim == 2)
    low, high = bounds
    scaled = (np.where(known, values, low).astype(np.float32) - low) * (255.0 / (high - low))
    eight: npt.NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    eight[~known] = 0
    return eight, note


def _bounds(
    inside: npt.NDArray[Any], declared: tuple[float, float] | None, *, is_grey: bool
) -> tuple[tuple[float, float], str]:
    """Return the values that become 0 and 255, and a note where they are not the declared ones."""
    least, most = float(inside.min()), float(inside.max())
    if declared is None and least >= 0.0 and most <= 1.0:
        return (0.0, 1.0), 'does not state the range of its values, which are taken as 0 to 1'
    low, high = (float(one) for one in np.percentile(inside, _PERCENTILES))
    if not high > low:
        low, high = least, most
    if declared is None:
        high = high if high > low else low + 1.0
        return (low, high), (
            f'does not state the range of its values; {low:.5g} to {high:.5g} (99 % of them) '
            'are shown from black to white'
        )
    span = declared[1] - declared[0]
    if is_grey and 0.0 < high - low < _LEAST_SHARE * span:
        return (low, high), (
            f'has values that fill a small part of {declared[0]:g} to {declared[1]:g}; '
            f'{low:.5g} to {high:.5g} (99 % of them) are shown from black to white'
        )
    bits = max(int(most).bit_length(), _FEWEST_BITS)
    if not is_grey and declared[0] == 0.0 and most >= 1.0 and 2.0**bits - 1.0 < span / 3:
        return (0.0, 2.0**bits - 1.0), (
            f'has colours of {bits} bits in a range up to {declared[1]:g}, which are shown as such'
        )
    return declared, ''
