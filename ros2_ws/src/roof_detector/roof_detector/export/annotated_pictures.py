# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every frame as a picture with what was found drawn in."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.export.errors import told_of
from roof_detector.export.exporter import Export
from roof_detector.export.text import file_name
from roof_detector.vision.drawing import draw_detections
from roof_detector.vision.frame_findings import FrameFindings

_SUFFIXES = {'.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp'}
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]


class AnnotatedPictures(Export):
    """Write a folder of pictures under the frames' own names.

    A picture keeps its format, a frame of a bag or video becomes a JPEG. Of two frames of one
    name the later one has its number behind it. Nothing is drawn into pictures that were
    `drawn_before`.
    """

    def __init__(
        self, folder: Path, *, drawn_before: bool = False, overwrite: bool = False
    ) -> None:
        super().__init__(folder, overwrite=overwrite)
        self._without = 0
        self._drawn_before = drawn_before
        with told_of(folder):
            self._products[0].part.mkdir()

    @property
    def notes(self) -> tuple[str, ...]:
        """Say how many frames came without a picture."""
        if not self._without:
            return ()
        folder = self._products[0].path
        return (f'{folder} lacks {self._without} frames whose pictures are not at hand.',)

    def _add(self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None) -> None:
        if image_bgr is None:
            self._without += 1
            return
        drawn = image_bgr
        if not self._drawn_before:
            drawn = draw_detections(image_bgr, findings.detections, findings.class_names)
        path = self._free_path(findings)
        _, data = cv2.imencode(path.suffix, drawn, _QUALITY)
        path.write_bytes(data.tobytes())

    def _complete(self) -> None:
        pass

    def _release(self) -> None:
        pass

    def _free_path(self, findings: FrameFindings) -> Path:
        name = Path(findings.name)
        suffix = name.suffix.lower() if name.suffix.lower() in _SUFFIXES else ''
        stem = file_name(name.stem if suffix else name.name)
        folder = self._products[0].part
        path = folder / f'{stem}{suffix or ".jpg"}'
        if path.exists():
            path = folder / f'{stem}_{findings.index:06d}{suffix or ".jpg"}'
        again = 1
        while path.exists():
            again += 1
            path = folder / f'{stem}_{findings.index:06d}_{again}{suffix or ".jpg"}'
        return path
