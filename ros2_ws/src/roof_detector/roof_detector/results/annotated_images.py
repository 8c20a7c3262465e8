# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every frame as a picture with what was found drawn in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from roof_detector.results.errors import told_of
from roof_detector.results.exporter import Export
from roof_detector.results.image_writing import ImageWriter, free_path, image_name
from roof_detector.vision.drawing import draw_detections
from roof_detector.vision.frame_findings import FrameFindings

_QUALITY = 92


class AnnotatedPictures(Export):
    """Write a folder of pictures under the frames' own names.

    A picture keeps its name, its format and what its file says of its making (EXIF, XMP, ICC,
    GPS); a frame of a bag or video becomes a JPEG. Of two frames of one name the later one has
    its number behind it. Nothing is drawn into pictures that were `drawn_before`.
    """

    def __init__(
        self, folder: Path, *, drawn_before: bool = False, overwrite: bool = False
    ) -> None:
        super().__init__(folder, overwrite=overwrite)
        self._without = 0
        self._drawn_before = drawn_before
        self._images = ImageWriter(jpeg_quality=_QUALITY)
        with told_of(folder):
            self._products[0].part.mkdir()

    @property
    def notes(self) -> tuple[str, ...]:
        """Say how many frames came without a picture, or with damaged metadata."""
        folder, notes = self._products[0].path, []
        if self._without:
            notes.append(f'{folder} lacks {self._without} frames whose pictures are not at hand.')
        return (*notes, *self._images.notes(folder))

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        if image_bgr is None:
            self._without += 1
            return
        drawn = image_bgr
        if not self._drawn_before:
            drawn = draw_detections(image_bgr, findings.detections, findings.class_names)
        path = free_path(self._products[0].part, image_name(findings), findings.index)
        self._images.write(path, drawn, encoded, name=findings.name)

    def _complete(self) -> None:
        pass

    def _release(self) -> None:
        pass
