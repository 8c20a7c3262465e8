# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Masks that label files carry as text: base64 of a PNG, or runs of pixels."""

from __future__ import annotations

import base64
import binascii
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.dataset.outline import mask_polygons
from training.dataset.raw_labels import LabelError

if TYPE_CHECKING:
    from training.dataset.instance import Floats

Mask = npt.NDArray[np.bool_]
_MOST_PIXELS = 2**28


def decoded_mask(packed: Any, *, compressed: bool = False) -> Mask:
    """Return a mask (height, width) from base64 of a PNG, in zlib too if `compressed`."""
    try:
        raw = base64.b64decode(str(packed), validate=True)
        if compressed:
            unpacked = zlib.decompressobj()
            raw = unpacked.decompress(raw, _MOST_PIXELS)
        with Image.open(BytesIO(raw)) as image:
            if image.width * image.height > _MOST_PIXELS:
                msg = f'the mask has {image.size} pixels, which is too many.'
                raise LabelError(msg, 'number')
            pixels = np.asarray(image.convert('RGBA'))
            return np.asarray(pixels[..., :3].any(2) & (pixels[..., 3] > 0))
    except (binascii.Error, zlib.error, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, LabelError):
            raise
        msg = f'the mask is no image in base64 ({error}).'
        raise LabelError(msg, 'number') from error


def mask_outlines(mask: Mask, corner_xy: tuple[float, float] = (0.0, 0.0)) -> list[Floats]:
    """Return the outlines of a mask whose upper left corner stands at `corner_xy`."""
    outlines = [one + np.array(corner_xy) for one in mask_polygons(mask)]
    if not outlines:
        msg = 'the mask covers nothing; remove it.'
        raise LabelError(msg, 'zero_area')
    return outlines


def runs_mask(runs: list[int], size_wh: tuple[int, int]) -> Mask:
    """Return the mask of run lengths, row by row, that begin with the pixels outside."""
    width, height = size_wh
    if any(run < 0 for run in runs) or sum(runs) != width * height:
        text = f'the runs of the mask add up to {sum(runs)}, not to {width * height} pixels.'
        raise LabelError(text, 'number')
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(height, width)


def brush_mask(rle: list[int], size_wh: tuple[int, int]) -> Mask:
    """Return the mask of a Label Studio brush: RGBA bytes, packed by the run-length coder thi.ng.

    32 bits for the number of values, 5 for the width of a value less one, four times 4 for the
    widths of run lengths less one; then, until all values are there, a bit (1 for a run), the
    selector of the width of its length (2), the length less one, and one value or as many as that.
    """
    data = np.array(rle, dtype=np.int64)
    if len(data) and (data.min() < 0 or data.max() > 255):
        msg = 'the brush mask holds a number that is no byte.'
        raise LabelError(msg, 'number')
    stream = _Bits(data.astype(np.uint8).tobytes())
    count, width = stream.take(32), stream.take(5) + 1
    lengths = [stream.take(4) + 1 for _ in range(4)]
    wanted = size_wh[0] * size_wh[1] * 4
    if count != wanted or count > 4 * _MOST_PIXELS:
        text = f'the brush mask has {count} values, the image {size_wh} needs {wanted}.'
        raise LabelError(text, 'number')
    values = np.zeros(count, dtype=np.uint8)
    at = 0
    while at < count:
        is_run = stream.take(1)
        end = min(at + stream.take(lengths[stream.take(2)]) + 1, count)
        if is_run:
            values[at:end] = stream.take(width)
        else:
            values[at:end] = [stream.take(width) for _ in range(end - at)]
        at = end
    return np.asarray(values.reshape(size_wh[1], size_wh[0], 4)[..., 3] > 0)


class _Bits:
    """The bits of some bytes, most significant first."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, count: int) -> int:
        """Return the next `count` bits as a number."""
        end = self._at + count
        if end > 8 * len(self._raw):
            msg = 'the brush mask ends in the middle of a run.'
            raise LabelError(msg, 'number')
        chunk = int.from_bytes(self._raw[self._at // 8 : (end + 7) // 8], 'big')
        self._at = end
        return (chunk >> (-end % 8)) & ((1 << count) - 1)
