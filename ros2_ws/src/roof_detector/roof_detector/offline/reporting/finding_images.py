# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The crop of a finding and the view around it, cut from its best image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.inputs.errors import InputError
from roof_detector.results.errors import ExportError
from roof_detector.results.report.report_model import EncodedImage

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.inputs.raster_file import RasterFile

_CROP_WH, _CONTEXT_WH = (420, 420), (672, 420)
_CROP_MARGIN = 1.6  # sides of the box
_LEAST_CROP_PX = 72
_CONTEXT_MARGIN = 9.0
_LEAST_CONTEXT_SHARE = 0.45  # of the image's width
_MOST_RASTER_PX = 1600
_BOX_BGR = (40, 40, 230)
_BLANK = 235
_QUALITIES = (85, 75, 65, 55, 45)


@dataclass(frozen=True)
class FindingImages:
    """The crop and the view around it with the box drawn in."""

    crop: EncodedImage
    context: EncodedImage


def finding_images(
    image: npt.NDArray[np.uint8] | RasterFile,
    box_xyxy: tuple[float, float, float, float],
    *,
    most_bytes: int,
) -> FindingImages:
    """Return both images of a box, together of about `most_bytes`; raise ExportError."""
    is_image = isinstance(image, np.ndarray)
    size_wh = image.size_wh if not isinstance(image, np.ndarray) else image.shape[1::-1]
    width, height = size_wh
    left, top, right, bottom = box_xyxy
    middle = ((left + right) / 2, (top + bottom) / 2)
    side = max(right - left, bottom - top, 1.0)
    # Not beyond the image, unless the box needs it.
    crop = max(_CROP_MARGIN * side, _LEAST_CROP_PX)
    crop = max(min(crop, float(width), float(height)), side)
    context = max(_CONTEXT_MARGIN * side, _LEAST_CONTEXT_SHARE * width, 1.5 * crop)
    wide_as_high = _CONTEXT_WH[0] / _CONTEXT_WH[1]
    most = min(float(width), height * wide_as_high)
    if not is_image:
        most = min(most, _MOST_RASTER_PX)
    context = min(context, max(most, 1.1 * side))
    small, _ = _cut(image, (width, height), middle, (crop, crop), _CROP_WH)
    ratio = _CONTEXT_WH[1] / _CONTEXT_WH[0]
    wide, place = _cut(image, (width, height), middle, (context, context * ratio), _CONTEXT_WH)
    scale = _CONTEXT_WH[0] / place[2]
    corners = np.array([left - place[0], top - place[1], right - place[0], bottom - place[1]])
    x0, y0, x1, y1 = np.round(corners * scale).astype(int).tolist()
    cv2.rectangle(wide, (x0 - 2, y0 - 2), (x1 + 2, y1 + 2), (255, 255, 255), 5, cv2.LINE_AA)
    cv2.rectangle(wide, (x0 - 2, y0 - 2), (x1 + 2, y1 + 2), _BOX_BGR, 2, cv2.LINE_AA)
    share = _CROP_WH[0] / (_CROP_WH[0] + _CONTEXT_WH[0])
    return FindingImages(
        encode_jpeg(small, most_bytes=round(most_bytes * share)),
        encode_jpeg(wide, most_bytes=round(most_bytes * (1 - share))),
    )


def encode_jpeg(image_bgr: npt.NDArray[np.uint8], *, most_bytes: int) -> EncodedImage:
    """Return an image as JPEG; where that takes more, the quality falls, then the size."""
    while True:
        for quality in _QUALITIES:
            data = cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            if len(data) <= most_bytes:
                break
        height, width = image_bgr.shape[:2]
        if len(data) <= most_bytes or min(height, width) < 120:
            return EncodedImage(data.tobytes(), 'jpeg', (width, height))
        smaller = (width * 3 // 4, height * 3 // 4)
        image_bgr = np.asarray(cv2.resize(image_bgr, smaller, interpolation=cv2.INTER_AREA))


def _cut(
    image: npt.NDArray[np.uint8] | RasterFile,
    size_wh: tuple[int, int],
    middle: tuple[float, float],
    wanted_wh: tuple[float, float],
    out_wh: tuple[int, int],
) -> tuple[npt.NDArray[np.uint8], tuple[float, float, float]]:
    """Return a part of an image at `out_wh`, and its left, top and width in pixels of the image.

    It is moved into the image where that is large enough, and blank beyond it where it is not.
    """
    low = []
    for at, wanted, whole in zip(middle, wanted_wh, size_wh, strict=True):
        begin = at - wanted / 2
        low.append(
            min(max(begin, 0.0), whole - wanted) if wanted <= whole else (whole - wanted) / 2
        )
    left, top = (round(one) for one in low)
    right, bottom = left + max(round(wanted_wh[0]), 1), top + max(round(wanted_wh[1]), 1)
    rows = slice(max(top, 0), min(bottom, size_wh[1]))
    columns = slice(max(left, 0), min(right, size_wh[0]))
    if isinstance(image, np.ndarray):
        part = image[rows, columns]
    else:
        try:
            part = image.crop((rows, columns))
        except InputError as error:
            raise ExportError(str(error)) from error
    full = np.full((bottom - top, right - left, 3), _BLANK, np.uint8)
    full[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = part
    is_smaller = full.shape[1] > out_wh[0]
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC
    resized = np.asarray(cv2.resize(full, out_wh, interpolation=how), np.uint8)
    return resized, (float(left), float(top), float(right - left))
