# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports every detection as a small image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.inputs.errors import InputError
from roof_detector.results.errors import ExportError, export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.image_writing import ImageWriter, free_path, image_name
from roof_detector.results.text import file_name

if TYPE_CHECKING:
    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.vision.frame_findings import FrameFindings

_QUALITY = 95


class Crops(Export):
    """Writes each detection to `<class>/<class>_<frame's name>_<number in the frame>.jpg`.

    `margin` is added around the box on each side, as a fraction of its longer side. A crop has the
    EXIF, XMP and ICC profile of its image: time, position and camera.
    """

    def __init__(
        self,
        folder: Path,
        *,
        margin: float = 0.15,
        raster: RasterFile | None = None,
        overwrite: bool = False,
    ) -> None:
        super().__init__(folder, overwrite=overwrite)
        self._raster = raster
        self._margin = margin
        self._without = 0
        self._images = ImageWriter(jpeg_quality=_QUALITY)
        with export_errors(folder):
            self._products[0].part.mkdir()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many detections had no image, or are outside it."""
        folder, notes = self._products[0].path, []
        if self._without:
            notes.append(
                f'{folder} lacks {self._without} detections whose pixels are not available.'
            )
        return (*notes, *self._images.notes(folder))

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        if image_bgr is None and self._raster is None:
            self._without += len(findings.detections)
            return
        for index, (box, _, class_id) in enumerate(findings.detections.rows()):
            part = crop_slices(box, size_wh=findings.size_wh, margin=self._margin)
            if part is None:
                self._without += 1
                continue
            crop = crop_of(part, image_bgr, self._raster)
            class_name = file_name(findings.class_names[class_id])
            folder = self._products[0].part / class_name
            folder.mkdir(exist_ok=True)
            frame_name = file_name(Path(image_name(findings)).stem)
            path = folder / f'{class_name}_{frame_name}_{index:03d}.jpg'
            if path.exists():  # of another frame, such as a.jpg beside a.png
                path = free_path(
                    folder,
                    f'{class_name}_{frame_name}_{findings.index:06d}_{index:03d}.jpg',
                    findings.index,
                )
            self._images.write(path, crop, encoded, name=findings.name)

    def _complete(self) -> None:
        pass

    def _release(self) -> None:
        pass


def crop_of(
    part: tuple[slice, slice], image_bgr: npt.NDArray[np.uint8] | None, raster: RasterFile | None
) -> npt.NDArray[np.uint8]:
    """Return some rows and columns of an image, or of the orthophoto in its place."""
    if image_bgr is not None:
        return image_bgr[part]
    assert raster is not None
    try:
        return raster.crop(part)
    except InputError as error:
        raise ExportError(str(error)) from error


def crop_slices(
    box_xyxy: npt.NDArray[np.float32], *, size_wh: tuple[int, int], margin: float
) -> tuple[slice, slice] | None:
    """Return the rows and columns of a box with a margin, None where it is outside the image.

    `margin` is a fraction of the box's longer side.
    """
    left, top, right, bottom = box_xyxy.tolist()
    width, height = size_wh
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return None
    margin_px = margin * max(right - left, bottom - top)
    columns = slice(max(int(left - margin_px), 0), min(int(np.ceil(right + margin_px)), width))
    rows = slice(max(int(top - margin_px), 0), min(int(np.ceil(bottom + margin_px)), height))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    return rows, columns
