# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The ground mosaic of an inspection as files: a cloud optimised GeoTIFF (COG) and a PNG."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import rasterio
import rasterio.shutil
from rasterio import Affine
from rasterio.errors import RasterioError

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.ground_mosaic import GroundMosaic
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.stored_frames import (
    grounded,
    plane_of_frames,
    read_stored_frames,
)
from roof_detector.offline.inspection_images import InspectionImages
from roof_detector.results.atomic_output import AtomicOutput
from roof_detector.results.errors import export_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from roof_detector.findings.ground_mosaic import GroundImage
    from roof_detector.findings.stored_frames import GroundedFrame
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

COG_NAME, PNG_NAME, PLACE_NAME = 'roof_mosaic.tif', 'roof_mosaic.png', 'roof_mosaic.json'
_PNG_SIDE = 2000
_QUALITY = 85
_CACHE_MB = 64


@dataclass(frozen=True, kw_only=True)
class MosaicFiles:
    """The files of a mosaic, and its bounds on WGS 84 (west, south, east, north).

    `frames` are the images that it is made of; `made_from` is a hash of all that it should be.
    `notes` are about how it was made; they are not kept with it.
    """

    cog: Path
    png: Path
    bounds_deg: tuple[float, float, float, float]
    metres_per_pixel: float
    frames: int = 0
    made_from: str = ''
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> MosaicFiles | None:
        """Return the mosaic that lies in the folder of an inspection, None without one."""
        try:
            place = json.loads((folder / PLACE_NAME).read_text(encoding='utf-8'))
            west, south, east, north = map(float, place['bounds_deg'])
            found = cls(
                cog=folder / COG_NAME,
                png=folder / PNG_NAME,
                bounds_deg=(west, south, east, north),
                metres_per_pixel=float(place['metres_per_pixel']),
                frames=int(place['frames']),
                made_from=str(place['made_from']),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if found.cog.is_file() and found.png.is_file() else None


def make_mosaic(
    folder: Path, *, images: Path | None = None, overwrite: bool = False
) -> MosaicFiles:
    """Make the mosaic of the inspection in a folder, and write its files there.

    `images` is where the recordings are now, if they were moved. Raises FindingsError where no
    frame has a place or no image is found, and ExportError where files cannot be written.
    """
    with InspectionStore(folder / 'inspection.gpkg') as store:
        inputs = store.provenance().get('inputs', [])
    frames = read_stored_frames(folder / 'inspection.gpkg')
    plane = plane_of_frames(frames)
    if plane is None:
        msg = (
            f'The frames of {folder} have no place, so they make no mosaic: their recordings '
            'hold no telemetry, or none that tells where the camera looked.'
        )
        raise FindingsError(msg)
    source = InspectionImages(folder, inputs, images=images)
    return lay_mosaic(grounded(frames, plane), plane, source, folder, overwrite=overwrite)


def lay_mosaic(
    frames: Sequence[GroundedFrame],
    plane: LocalTangentPlane,
    source: InspectionImages,
    output: Path,
    *,
    overwrite: bool = False,
    reuse: bool = False,
) -> MosaicFiles:
    """Lay the images of frames into a mosaic in the folder `output`.

    With `reuse` a complete one of the same frames that lies there is returned as it is, and any
    other is replaced. Raises FindingsError where no image is found, and ExportError.
    """
    mosaic = GroundMosaic(frames, plane)
    made_from = _identity(mosaic.frames)
    if reuse:
        known = MosaicFiles.read(output)
        whole = known is not None and known.frames == len(mosaic.frames)
        if known is not None and whole and known.made_from == made_from:
            return known
    by_key = {one.frame.key: one for one in mosaic.frames}
    before, laid = len(source.notes), 0
    for frame, image in source.read([one.frame for one in mosaic.frames]):
        if isinstance(image, np.ndarray):
            mosaic.add(by_key[frame.key], image)
            laid += 1
    notes = source.notes[before:]
    if not laid:
        raise FindingsError(source.sentence('mosaic_none', notes=' '.join(notes)).rstrip())
    if laid < len(mosaic.frames):
        missing = len(mosaic.frames) - laid
        lacks = source.sentence('mosaic_lacks', missing=missing, count=len(mosaic.frames))
        notes.append(lacks)
    ground = mosaic.result()
    files = MosaicFiles(
        cog=output / COG_NAME,
        png=output / PNG_NAME,
        bounds_deg=ground.bounds_deg,
        metres_per_pixel=ground.metres_per_pixel,
        frames=laid,
        made_from=made_from,
        notes=tuple(notes),
    )
    _write(ground, files, output, overwrite=overwrite or reuse)
    return files


def _identity(frames: Sequence[GroundedFrame]) -> str:
    """Return a hash of which frames a mosaic is made of, and where they are."""
    digest = hashlib.sha256()
    for one in frames:
        digest.update(repr((one.frame.key, one.frame.footprint_deg)).encode())
    return digest.hexdigest()


def _write(ground: GroundImage, files: MosaicFiles, folder: Path, *, overwrite: bool) -> None:
    with export_errors(folder, RasterioError):
        outputs = [
            AtomicOutput(path, overwrite=overwrite)
            for path in (files.cog, files.png, folder / PLACE_NAME)
        ]
        cog, png, place = (one.part for one in outputs)
        _write_cog(ground, cog)
        small = ground.reduced(_PNG_SIDE)
        encoded = cv2.imencode('.png', small.image_bgra, [cv2.IMWRITE_PNG_COMPRESSION, 4])[1]
        png.write_bytes(encoded.tobytes())
        table = {
            'bounds_deg': list(files.bounds_deg),
            'metres_per_pixel': files.metres_per_pixel,
            'png_size_wh': list(small.image_bgra.shape[1::-1]),
            'frames': files.frames,
            'made_from': files.made_from,
        }
        place.write_text(json.dumps(table, indent=1) + '\n', encoding='utf-8')
        for one in outputs:
            one.finish()


def _write_cog(ground: GroundImage, path: Path) -> None:
    plain = path.with_name(f'{path.name}.plain')
    rows, columns = ground.image_bgra.shape[:2]
    step, (west, north) = ground.metres_per_pixel, ground.west_north_en
    profile = {
        'driver': 'GTiff',
        'width': columns,
        'height': rows,
        'count': 3,
        'dtype': 'uint8',
        'crs': crs_of(ground.plane),
        'transform': Affine(step, 0, west, 0, -step, north),
        'photometric': 'RGB',
        'tiled': True,
    }
    try:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_CACHEMAX=_CACHE_MB):
            with rasterio.open(plain, 'w', **profile) as dataset:
                for band in range(3):
                    dataset.write(_channel(ground, 2 - band), band + 1)
                dataset.write_mask(_channel(ground, 3))
            rasterio.shutil.copy(
                plain, path, driver='COG', COMPRESS='JPEG', QUALITY=_QUALITY, BIGTIFF='IF_SAFER'
            )
    finally:
        plain.unlink(missing_ok=True)


def _channel(ground: GroundImage, index: int) -> npt.NDArray[np.uint8]:
    return ground.image_bgra[..., index]


def crs_of(plane: LocalTangentPlane) -> str:
    """Return the coordinate system of a plane: within 1 km of its origin 1 mm apart from it."""
    return (
        f'+proj=tmerc +lat_0={plane.latitude_deg!r} +lon_0={plane.longitude_deg!r} +k=1 +x_0=0 '
        '+y_0=0 +ellps=WGS84 +datum=WGS84 +units=m +no_defs'
    )
