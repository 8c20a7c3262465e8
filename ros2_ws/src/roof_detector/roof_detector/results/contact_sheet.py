# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Arranges many small images on one sheet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP_PX = 6
_CAPTION_PX = 22
_PAPER_BGR = (28, 28, 28)
_INK_BGR = (235, 235, 235)


def contact_sheet(
    images: Sequence[tuple[npt.NDArray[np.uint8], str]],
    *,
    columns: int = 4,
    tile_width_px: int = 480,
) -> npt.NDArray[np.uint8]:
    """Return one BGR image of all images in reading order, each above its caption.

    All tiles have the shape of the first image; others are fitted into it whole.
    """
    if not images:
        msg = 'There are no images for a contact sheet, give at least one.'
        raise ValueError(msg)
    height, width = images[0][0].shape[:2]
    tile_height_px = max(round(tile_width_px * height / width), 1)
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    cell_w, cell_h = tile_width_px + _GAP_PX, tile_height_px + _CAPTION_PX + _GAP_PX
    sheet = np.full((rows * cell_h + _GAP_PX, columns * cell_w + _GAP_PX, 3), _PAPER_BGR, np.uint8)
    for index, (image_bgr, caption) in enumerate(images):
        x = _GAP_PX + index % columns * cell_w
        y = _GAP_PX + index // columns * cell_h
        fitted = _fit(image_bgr, (tile_width_px, tile_height_px))
        sheet[y : y + fitted.shape[0], x : x + fitted.shape[1]] = fitted
        cv2.putText(
            sheet,
            caption,
            (x + 2, y + tile_height_px + _CAPTION_PX - 7),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.48,
            _INK_BGR,
            1,
            cv2.LINE_AA,
        )
    return sheet


def _fit(image_bgr: npt.NDArray[np.uint8], size_wh: tuple[int, int]) -> npt.NDArray[np.uint8]:
    height, width = image_bgr.shape[:2]
    scale = min(size_wh[0] / width, size_wh[1] / height)
    fitted_wh = max(round(width * scale), 1), max(round(height * scale), 1)
    return cv2.resize(image_bgr, fitted_wh, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
