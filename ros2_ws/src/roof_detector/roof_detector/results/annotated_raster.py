# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Writes an orthophoto with its detections drawn in, window by window, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from roof_detector.inputs.input_files import readable
from roof_detector.vision.palette import class_colours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.vision.frame_findings import FrameFindings
    from roof_detector.vision.palette import Colour

_WINDOW_PX = 2048  # a multiple of the blocks in the file
_BLOCK_PX = 512
_LINE_PX, _RIM_PX = 2, 4
_FONT, _FONT_SCALE, _FONT_WEIGHT = cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1
_LABEL_PX = 18
_MARGIN_PX = 512  # a label reaches so far to the right of its box at most
_DARK = (20, 20, 20)


def write_annotated(raster: RasterFile, findings: FrameFindings, path: Path) -> None:
    """Write a tiled GeoTIFF, compressed without loss, with the raster's CRS, transform and mask.

    Raises RasterioError or InputError.
    """
    width, height = raster.size_wh
    profile = {
        'driver': 'GTiff',
        'width': width,
        'height': height,
        'count': 3,
        'dtype': 'uint8',
        'crs': raster.crs,
        'transform': raster.transform,
        'photometric': 'RGB',
        'tiled': True,
        'blockxsize': _BLOCK_PX,
        'blockysize': _BLOCK_PX,
        'compress': 'DEFLATE',
        'zlevel': 1,
        'predictor': 2,
        'BIGTIFF': 'IF_SAFER',
    }
    marks = _Marks(findings)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, 'w', **profile) as written,
    ):
        written.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        for window_xywh in _windows(width, height):
            image_bgr = raster.read(window_xywh)
            marks.draw(image_bgr, window_xywh[:2])
            window = Window(*window_xywh)
            written.write(np.moveaxis(image_bgr[..., ::-1], -1, 0), window=window)
            mask = raster.mask(window_xywh)
            if mask is not None:
                written.write_mask(mask, window=window)


class _Marks:
    """The boxes and labels of a raster, drawn into any window of it as if it were the whole."""

    def __init__(self, findings: FrameFindings) -> None:
        detections = findings.detections
        self._boxes = np.rint(detections.boxes_xyxy).astype(np.int64)
        names = tuple(map(readable, findings.class_names))
        self._colours: tuple[Colour, ...] = class_colours(names)
        self._class_ids = detections.class_ids
        self._texts = [
            f'{names[class_id]} {score:.2f}' for _, score, class_id in detections.rows()
        ]

    def draw(self, image_bgr: NDArray[np.uint8], corner_xy: tuple[int, int]) -> None:
        """Draw what lies in a window, in place; `corner_xy` is its corner in the raster."""
        height, width = image_bgr.shape[:2]
        boxes = self._boxes - np.array(corner_xy * 2)
        near = (
            (boxes[:, 0] < width + _RIM_PX)
            & (boxes[:, 1] < height + _LABEL_PX + _RIM_PX)
            & (boxes[:, 2] > -_RIM_PX - _MARGIN_PX)
            & (boxes[:, 3] > -_LABEL_PX - _RIM_PX)
        )
        for i in np.flatnonzero(near)[::-1].tolist():  # the highest confidence on top
            left, top, right, bottom = boxes[i].tolist()
            colour = self._colours[self._class_ids[i]]
            cv2.rectangle(image_bgr, (left, top), (right, bottom), _DARK, _RIM_PX)
            cv2.rectangle(image_bgr, (left, top), (right, bottom), colour, _LINE_PX)
            (text_w, _), _ = cv2.getTextSize(self._texts[i], _FONT, _FONT_SCALE, _FONT_WEIGHT)
            label = (left + min(text_w + 6, _MARGIN_PX), top)
            cv2.rectangle(image_bgr, (left, top - _LABEL_PX), label, colour, cv2.FILLED)
            cv2.putText(
                image_bgr,
                self._texts[i],
                (left + 3, top - 5),
                _FONT,
                _FONT_SCALE,
                _DARK,
                _FONT_WEIGHT,
                cv2.LINE_AA,
            )


def _windows(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    for top in range(0, height, _WINDOW_PX):
        for left in range(0, width, _WINDOW_PX):
            yield (
                left,
                top,
                min(_WINDOW_PX, width - left),
                min(_WINDOW_PX, height - top),
            )
