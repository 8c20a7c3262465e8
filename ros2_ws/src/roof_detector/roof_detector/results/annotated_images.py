# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports every frame as an image with its detections drawn in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inputs.errors import InputError
from roof_detector.results.errors import ExportError, export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.image_writing import ImageWriter, free_path, image_name
from roof_detector.results.text import file_name
from roof_detector.vision.drawing import draw_detections

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.vision.frame_findings import FrameFindings

_QUALITY = 92


class AnnotatedImages(Export):
    """Writes a folder of images under the frames' own names.

    An orthophoto becomes a tiled GeoTIFF in its own CRS. Another image keeps its name, its format
    and its metadata (EXIF, XMP, ICC, GPS); a frame of a bag or video becomes a JPEG. The later of
    two frames of one name gets its number as a suffix. Nothing
    video becomes a JPEG. The later of two frames of one name gets its number as a suffix. Nothing
    is drawn into images that are `already_annotated`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        already_annotated: bool = False,
        raster: RasterFile | None = None,
        overwrite: bool = False,
    ) -> None:
        super().__init__(folder, overwrite=overwrite)
        self._raster = raster
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
        if self._raster is not None:
            self._add_raster(self._raster, findings)
            return
        if image_bgr is None:
            self._without += 1
            return
        drawn = image_bgr
        if not self._already_annotated:
            drawn = draw_detections(image_bgr, findings.detections, findings.class_names)
        path = free_path(self._products[0].part, image_name(findings), findings.index)
        self._images.write(path, drawn, encoded, name=findings.name)

    def _add_raster(self, raster: RasterFile, findings: FrameFindings) -> None:
        # GDAL is loaded only for those who need it.
        from roof_detector.results.annotated_raster import write_annotated  # noqa: PLC0415

        name = f'{file_name(Path(findings.name).stem)}.tif'
        try:
            write_annotated(raster, findings, self._products[0].part / name)
        except InputError as error:
            raise ExportError(str(error)) from error

    def _complete(self) -> None:
        pass

    def _release(self) -> None:
        pass
