# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports an orthophoto with its detections drawn in, as a cloud optimised GeoTIFF (COG)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rasterio.shutil
from rasterio.errors import RasterioError

from roof_detector.inputs.errors import InputError
from roof_detector.results.annotated_raster import write_annotated
from roof_detector.results.exporter import Export

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.vision.frame_findings import FrameFindings

_QUALITY = 90


class CogExport(Export):
    """Writes the annotated orthophoto with overviews, in its own CRS.

    The pixels are compressed as JPEG; areas without data stay transparent by a mask.
    """

    raises = (RasterioError, InputError)

    def __init__(self, path: Path, *, raster: RasterFile, overwrite: bool = False) -> None:
        super().__init__(path, overwrite=overwrite)
        self._raster = raster
        self._plain = path.with_name(f'{path.stem}.plain{path.suffix}.part')

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        write_annotated(self._raster, findings, self._plain)
        rasterio.shutil.copy(
            self._plain,
            self._products[0].part,
            driver='COG',
            COMPRESS='JPEG',
            QUALITY=_QUALITY,
            BIGTIFF='IF_SAFER',
            OVERVIEWS='IGNORE_EXISTING',
        )
        self._plain.unlink()

    def _complete(self) -> None:
        if not self._products[0].part.exists():  # the raster could not be read
            self._products[0].discard()

    def _release(self) -> None:
        self._plain.unlink(missing_ok=True)
