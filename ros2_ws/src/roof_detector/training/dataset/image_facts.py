# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The facts of an image file without its labels: size, orientation, place, time, thumbnail."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from roof_detector.inputs.image_decoding import decode_bytes
from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

THUMBNAIL = 32
_UPRIGHT = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageFacts:
    """The facts of one image file, or in `problem` the reason why it cannot be used.

    `size_wh` is that of the upright image; `thumbnail` (32, 32) uint8 is grey, not upright;
    `lat_lon_deg` and `taken_s` (local time of the camera) come from EXIF if it has them. `content`
    is the hash of the whole file, whatever its name.
    """

    problem: str = ''
    size_wh: tuple[int, int] = (0, 0)
    orientation: int = _UPRIGHT
    thumbnail: npt.NDArray[np.uint8] | None = None
    lat_lon_deg: tuple[float, float] | None = None
    taken_s: float | None = None
    content: ContentIdentity | None = None

    @property
    def rotated(self) -> bool:
        """Return whether EXIF rotates or mirrors the image."""
        return self.orientation != _UPRIGHT


def facts_of(path: Path) -> ImageFacts:
    """Read an image to its last byte and return its facts."""
    try:
        raw = path.read_bytes()
        if not raw:
            return ImageFacts(problem='is empty')
        with Image.open(BytesIO(raw)) as image_path:
            width, height = image_path.size
            exif = image_path.getexif()
            orientation = exif.get(ExifTags.Base.Orientation, _UPRIGHT)
            if image_path.format in ('JPEG', 'MPO'):
                # It is decoded at an eighth of its size, but read as a whole.
                image_path.draft('L', (2 * THUMBNAIL, 2 * THUMBNAIL))
                grey = image_path.convert('L')
            else:  # as the detector reads it; Pillow turns some formats by itself
                stored = decode_bytes(raw, turned=False).image_bgr
                height, width = stored.shape[:2]
                grey = Image.fromarray(np.ascontiguousarray(stored[..., ::-1])).convert('L')
            small = grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    except Image.DecompressionBombError:
        return ImageFacts(problem='has too many pixels to be read safely; cut it into parts first')
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        return ImageFacts(problem=f'is damaged, cut short or no image ({_short(error)})')
    turned = orientation in {5, 6, 7, 8}
    return ImageFacts(
        problem='',
        size_wh=(height, width) if turned else (width, height),
        orientation=orientation if orientation in range(1, 9) else _UPRIGHT,
        thumbnail=np.asarray(small),
        lat_lon_deg=_place(exif),
        taken_s=_time(exif),
        content=ContentIdentity.of(raw),
    )


def facts_of_all(paths: Iterable[Path]) -> dict[Path, ImageFacts]:
    """Read many images in parallel; Pillow decodes outside the interpreter's lock."""
    wanted = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(wanted, pool.map(facts_of, wanted), strict=True))


def _place(exif: Image.Exif) -> tuple[float, float] | None:
    gps: dict[int, Any] = exif.get_ifd(ExifTags.IFD.GPSInfo)
    with contextlib.suppress(KeyError, TypeError, ValueError, ZeroDivisionError, IndexError):
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude])
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude])
        if gps.get(ExifTags.GPS.GPSLatitudeRef, 'N') in {'S', b'S'}:
            latitude = -latitude
        if gps.get(ExifTags.GPS.GPSLongitudeRef, 'E') in {'W', b'W'}:
            longitude = -longitude
        # A drone without a position fix writes zeros, which is a spot in the Atlantic.
        if (latitude, longitude) != (0, 0) and abs(latitude) <= 90 and abs(longitude) <= 180:
            return latitude, longitude
    return None


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600


def _time(exif: Image.Exif) -> float | None:
    stamp = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
    try:
        taken = datetime.strptime(str(stamp), '%Y:%m:%d %H:%M:%S')
    except ValueError:
        return None
    return taken.replace(tzinfo=timezone.utc).timestamp()


def _short(error: Exception) -> str:
    """Return an error's message without the address of the buffer that Pillow read."""
    text = str(error) or type(error).__name__
    return 'unknown kind of file' if 'cannot identify' in text else text
