# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports detections as one KMZ file: placemarks with the images that show them."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.results.crops import crop_of, crop_slices
from roof_detector.results.errors import ExportError, export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.kml import KmlFile
from roof_detector.results.map_features import MapFeatures
from roof_detector.vision.detections import Detections
from roof_detector.vision.drawing import draw_detections

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.results.map_features import Track
    from roof_detector.vision.frame_findings import FrameFindings

_DOCUMENT = 'doc.kml'  # the name that viewers look for first
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_QUALITY = 85
_PHOTO_PX = 1280  # the longer side of a photo: enough for a balloon
_CROP_PX = 512
_MARGIN = 0.5  # around a box, so that its surroundings can be recognised


class KmzExport(Export):
    """Writes a zip of the placemarks, a crop of each detection and the annotated image of a frame.

    Images are reduced to what the balloon of a placemark can show.
    """

    raises = (zipfile.BadZipFile, zipfile.LargeZipFile)

    def __init__(
        self,
        path: Path,
        *,
        track: Track,
        class_names: tuple[str, ...],
        pixel_px: float = 2.0,
        already_annotated: bool = False,
        raster: RasterFile | None = None,
        overwrite: bool = False,
    ) -> None:
        super().__init__(path, overwrite=overwrite)
        self._raster = raster
        self._features = MapFeatures(track, pixel_px=pixel_px)
        self._already_annotated = already_annotated
        self._without = self._crops = self._photos = 0
        self._kml_path = path.with_name(f'{path.name}.{_DOCUMENT}.part')
        with export_errors(path):
            self._document = KmlFile(self._kml_path, class_names=class_names)
            self._archive = zipfile.ZipFile(self._products[0].part, 'w', zipfile.ZIP_STORED)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many detections have no position, and how many no image."""
        path = self._products[0].path
        notes = self._features.notes(path, 'the reason is in the value "unlocated" of each')
        if self._without:
            notes += (f'{path} lacks the images of {self._without} detections.',)
        return notes

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        features = self._features.of(findings)
        if not features:
            return
        photo = '' if image_bgr is None else self._add_photo(findings, image_bgr)
        for feature, (box, _, class_id) in zip(features, findings.detections.rows(), strict=True):
            crop = self._add_crop(findings, image_bgr, box)
            self._without += not crop
            images = tuple(one for one in (crop, photo) if one)
            self._document.add(feature, class_id, images=images)

    def _complete(self) -> None:
        self._document.complete()
        entry = zipfile.ZipInfo(_DOCUMENT, _FIXED_TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with self._kml_path.open('rb') as document, self._archive.open(entry, 'w') as stored:
            while block := document.read(1 << 20):
                stored.write(block)
        self._archive.close()
        self._kml_path.unlink()

    def _release(self) -> None:
        self._document.release()
        with suppress(OSError, ValueError):
            self._archive.close()
        with suppress(OSError):
            self._kml_path.unlink(missing_ok=True)

    def _add_photo(self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8]) -> str:
        small = _reduced(image_bgr, _PHOTO_PX)
        if not self._already_annotated:
            scale = small.shape[1] / image_bgr.shape[1]
            found = findings.detections
            shown = Detections(
                boxes_xyxy=found.boxes_xyxy * scale, scores=found.scores, class_ids=found.class_ids
            )
            small = draw_detections(small, shown, findings.class_names)
        self._photos += 1
        return self._store(f'files/photo_{self._photos:06d}.jpg', small)

    def _add_crop(
        self,
        findings: FrameFindings,
        image_bgr: npt.NDArray[np.uint8] | None,
        box_xyxy: npt.NDArray[np.float32],
    ) -> str:
        part = crop_slices(box_xyxy, size_wh=findings.size_wh, margin=_MARGIN)
        if part is None or (image_bgr is None and self._raster is None):
            return ''
        self._crops += 1
        crop = _reduced(crop_of(part, image_bgr, self._raster), _CROP_PX)
        return self._store(f'files/crop_{self._crops:06d}.jpg', crop)

    def _store(self, name: str, image_bgr: npt.NDArray[np.uint8]) -> str:
        is_done, jpeg = cv2.imencode('.jpg', image_bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not is_done:
            msg = f'{name} of {image_bgr.shape} cannot be encoded as JPEG.'
            raise ExportError(msg)
        self._archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), jpeg.tobytes())
        return name


def _reduced(image_bgr: npt.NDArray[np.uint8], longest_px: int) -> npt.NDArray[np.uint8]:
    """Return an image whose longer side has at most so many pixels."""
    height, width = image_bgr.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(image_bgr)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
