# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the lens of a photo from its tags."""

from __future__ import annotations

from functools import cache
from math import hypot
from pathlib import Path

import numpy as np
import yaml

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.lens import Lens
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.photo_tags import PhotoTags, as_number

_TABLE = Path(__file__).with_name('tables') / 'cameras.yaml'
_FULL_FRAME_DIAGONAL_MM = 43.267
# How far a calibrated focal length may be from the one that EXIF implies.
_MOST_RATIO = 1.3
_MOST_FOCAL = 1000.0  # a focal length over an image's side, or the reverse
_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # EXIF's FocalPlaneResolutionUnit


def photo_lens(tags: PhotoTags) -> tuple[Lens, str]:
    """Return the lens of the image as it is stored, and the names of its tags.

    In this order: DJI's DewarpData with its distortion, a calibrated focal length, the width of a
    known sensor where it agrees with the focal length as of 35 mm film, EXIF's focal plane
    resolution, the focal length as of 35 mm film (which is rounded to whole millimetres: up to 3 %
    off). Raises TelemetryError if there are none of these.
    """
    try:
        nominal = _of_own_sensor(tags) or _of_focal_plane(tags) or _of_film(tags)
        calibrated = _dewarp(tags) or _calibrated(tags)
    except GeoError as error:
        msg = f'{tags.path} holds a lens that no camera has: {error}'
        raise TelemetryError(msg) from error
    if calibrated is not None and nominal is not None:
        ratio = calibrated[0].matrix[0, 0] / nominal[0].matrix[0, 0]
        if not 1 / _MOST_RATIO < ratio < _MOST_RATIO:
            calibrated = None
    chosen = calibrated or nominal
    if chosen is None:
        msg = (
            f'{tags.path} does not hold its lens: it has no FocalLengthIn35mmFilm, no focal plane '
            f'resolution and no calibration, and its camera {tags.exif.get("Model")!r} is not '
            'known. Give the focal length.'
        )
        raise TelemetryError(msg)
    lens, source = chosen
    for focal_px, side in zip((lens.matrix[0, 0], lens.matrix[1, 1]), lens.size_wh, strict=True):
        if not 1 / _MOST_FOCAL < focal_px / side < _MOST_FOCAL:
            msg = (
                f'{tags.path} holds a focal length of {focal_px:g} pixels ({source}) for an image '
                f'of {lens.size_wh[0]}x{lens.size_wh[1]}, which no camera has. Give the focal '
                'length.'
            )
            raise TelemetryError(msg)
    return chosen


@cache
def sensor_widths_mm() -> dict[str, float]:
    """Return tables/cameras.yaml: sensor widths by EXIF model in lower case."""
    table: dict[str, float] = yaml.safe_load(_TABLE.read_text(encoding='utf-8'))
    return table


def _pinhole(tags: PhotoTags, focal_px: float) -> Lens:
    width, height = tags.size_wh
    matrix = [[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1]]
    return Lens(size_wh=tags.size_wh, matrix=np.array(matrix, np.float64))


def _dewarp(tags: PhotoTags) -> tuple[Lens, str] | None:
    """Return DJI's calibration: `date;fx,fy,cx,cy,k1,k2,p1,p2,k3`, centres from the middle.

    With DewarpFlag 1 the camera has removed the distortion already.
    """
    _, _, numbers = tags.xmp.get('drone-dji:DewarpData', '').rpartition(';')
    values = [as_number(one) for one in numbers.split(',')]
    known = [value for value in values if value is not None]
    if len(values) != 9 or len(known) != 9 or min(known[:2]) <= 0:
        return None
    fx, fy, cx, cy, *distortion = known
    width, height = tags.size_wh
    matrix = [[fx, 0, (width - 1) / 2 + cx], [0, fy, (height - 1) / 2 + cy], [0, 0, 1]]
    is_removed = tags.xmp.get('drone-dji:DewarpFlag', '0').strip() == '1'
    lens = Lens(
        size_wh=tags.size_wh,
        matrix=np.array(matrix, np.float64),
        distortion=() if is_removed else tuple(distortion),
        model='' if is_removed else 'plumb_bob',
    )
    return lens, 'DewarpData'


def _calibrated(tags: PhotoTags) -> tuple[Lens, str] | None:
    focal_px = tags.number(
        ('drone-dji:CalibratedFocalLength', 'drone-skydio:CalibratedFocalLength/X')
    )
    if focal_px is None or focal_px <= 0:
        return None
    lens = _pinhole(tags, focal_px)
    centre = [
        tags.number(
            (
                f'drone-dji:CalibratedOpticalCenter{axis}',
                f'drone-skydio:CalibratedOpticalCenter/{axis}',
            )
        )
        for axis in 'XY'
    ]
    for row, (value, size) in enumerate(zip(centre, tags.size_wh, strict=True)):
        if value is not None and 0.25 * size < value < 0.75 * size:
            lens.matrix[row, 2] = value
    return lens, 'CalibratedFocalLength'


def _of_own_sensor(tags: PhotoTags) -> tuple[Lens, str] | None:
    """Return the lens by the table of sensors, None where EXIF contradicts the sensor.

    A second camera (tele, thermal) has the model's name too, and another sensor.
    """
    by_sensor, by_film = _of_sensor(tags), _of_film(tags)
    if by_sensor is None or by_film is None:
        return by_sensor
    zoom = max(1.0, as_number(tags.exif.get('DigitalZoomRatio')) or 1.0)
    ratio = by_sensor[0].matrix[0, 0] / by_film[0].matrix[0, 0]
    agrees = any(1 / _MOST_RATIO < one < _MOST_RATIO for one in (ratio, ratio / zoom))
    return by_sensor if agrees else None


def _of_sensor(tags: PhotoTags) -> tuple[Lens, str] | None:
    focal_mm = as_number(tags.exif.get('FocalLength'))
    width_mm = sensor_widths_mm().get(str(tags.exif.get('Model', '')).strip().lower())
    if not focal_mm or not width_mm or focal_mm < 0:
        return None
    zoom = as_number(tags.exif.get('DigitalZoomRatio')) or 1.0
    focal_px = focal_mm / width_mm * max(tags.size_wh) * max(1.0, zoom)
    return _pinhole(tags, focal_px), 'FocalLength and the sensor of a known camera'


def _of_focal_plane(tags: PhotoTags) -> tuple[Lens, str] | None:
    focal_mm = as_number(tags.exif.get('FocalLength'))
    per_unit = as_number(tags.exif.get('FocalPlaneXResolution'))
    unit_mm = _MM_PER_UNIT.get(int(as_number(tags.exif.get('FocalPlaneResolutionUnit')) or 2))
    if not focal_mm or not per_unit or not unit_mm or focal_mm < 0 or per_unit < 0:
        return None
    return _pinhole(tags, focal_mm * per_unit / unit_mm), 'FocalLength and FocalPlaneXResolution'


def _of_film(tags: PhotoTags) -> tuple[Lens, str] | None:
    film_mm = as_number(tags.exif.get('FocalLengthIn35mmFilm'))
    if not film_mm or film_mm < 0:
        return None
    return _pinhole(tags, film_focal_px(film_mm, tags.size_wh)), 'FocalLengthIn35mmFilm'


def film_focal_px(film_mm: float, size_wh: tuple[int, int]) -> float:
    """Return the focal length in pixels of one that is given as of 35 mm film (CIPA DCG-001)."""
    long, short = max(size_wh), min(size_wh)
    # A wide image is cut from the middle of a sensor of 4:3, whose diagonal is what counts.
    short = max(short, round(0.75 * long)) if short / long < 0.6 else short
    return film_mm / _FULL_FRAME_DIAGONAL_MM * hypot(long, short)
