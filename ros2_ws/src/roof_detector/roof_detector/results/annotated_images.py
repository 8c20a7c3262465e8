# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports every frame as an image with its detections drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.results.errors import export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.image_writing import ImageWriter, free_path, image_name
from roof_detector.vision.drawing import draw_detections

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.vision.frame_findings import FrameFindings

_QUALITY = 92


class AnnotatedImages(Export):
    """Writes a folder of images under the frames' own names.

    An image keeps its name, its format and its metadata (EXIF, XMP, ICC, GPS); a frame of a bag or
    video becomes a JPEG. The later of two frames of one name gets its number as a suffix. Nothing
    is drawn into images that are `already_annotated`.
    """

    def __init__(
        self, folder: Path, *, already_annotated: bool = False, overwrite: bool = False
    ) -> None:
        super().__init__(folder, overwrite=overwrite)
        self._without = 0
        self._already_annotated = already_annotated
        self._images = ImageWriter(jpeg_quality=_QUALITY)
        with export_errors(folder):
            self._products[0].part.mkdir()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many frames had no image or damaged metadata."""
        folder, notes = self._products[0].path, []
        if self._without:
            notes.append(f'{folder} lacks {self._without} frames whose images are not available.')
        return (*notes, *self._images.notes(folder))

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        if image_bgr is None:
            self._without += 1
            return
        drawn = image_bgr
        if not self._already_annotated:
            drawn = draw_detections(image_bgr, findings.detections, findings.class_names)
        path = free_path(self._products[0].part, image_name(findings), findings.index)
        self._images.write(path, drawn, encoded, name=findings.name)

    def _complete(self) -> None:
        pass

    def _release(self) -> None:
        pass
