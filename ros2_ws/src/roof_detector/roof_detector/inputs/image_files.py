# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Pictures in a folder, one after another."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.inputs.errors import SourceError
from roof_detector.inputs.frame import SourceFrame
from roof_detector.inputs.source import FrameSource, frame_time_ns
from roof_detector.vision.encodings import decode_jpeg
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
# A survey drone takes about that many pictures per second; a folder keeps no rate of its own.
DEFAULT_RATE_HZ = 2.0


class PictureSource(FrameSource):
    """Give the pictures of a folder in natural order, or one picture.

    A picture that cannot be read is counted and left out; the others follow without a gap.
    Raises SourceError when there is no picture, or when a whole pass could read none.
    """

    def __init__(self, path: Path, *, rate_hz: float | None = None, loop: bool = False) -> None:
        self._rate = DEFAULT_RATE_HZ if rate_hz is None else rate_hz
        super().__init__(str(path), rate_hz=self._rate)
        self._loop = loop
        self._paths = pictures_in(path) if path.is_dir() else [path]

    @property
    def frame_count(self) -> int:
        """Return the number of pictures, readable or not."""
        return len(self._paths)

    def __iter__(self) -> Iterator[SourceFrame]:
        index = 0
        for loop_number in count():
            if loop_number and not self._loop:
                return
            index_before = index
            for path in self._paths:
                if self._stopped:
                    return
                try:
                    image_bgr = read_picture(path)
                except SourceError as error:
                    self._count_unreadable(str(error))
                    continue
                due_ns = frame_time_ns(index, rate_hz=self._rate)
                self._count_delivered()
                yield SourceFrame(index, due_ns, due_ns, path.name, image_bgr)
                index += 1
            if index == index_before:
                msg = f'None of {len(self._paths)} pictures can be read. {self._health.trouble}'
                raise SourceError(msg)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture file as (height, width, 3) BGR, turned as its EXIF says.

    Raises SourceError for a file that is missing, cut short or not a picture.
    """
    return decode_picture(picture_bytes(path), path)


def picture_bytes(path: Path) -> bytes:
    """Read a picture file undecoded, or raise SourceError."""
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f'The picture {path} cannot be read: {" ".join(str(error).split())}'
        raise SourceError(msg) from error


def decode_picture(data: bytes, path: Path) -> NDArray[np.uint8]:
    """Decode the content of a picture file as `read_picture` does."""
    try:
        if path.suffix.lower() in ('.jpg', '.jpeg', '.png'):
            return decode_jpeg(data, turned_by_exif=True)
        image_bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (VisionError, cv2.error) as error:
        reason = ' '.join(str(error).split())
        msg = f'The picture {path} cannot be read: {reason}'
        raise SourceError(msg) from error
    if image_bgr is None:
        msg = f'The picture {path} cannot be read: its {len(data)} bytes are damaged.'
        raise SourceError(msg)
    return image_bgr  # type: ignore[return-value]


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts `frame_2` before `frame_10`."""
    parts = re.split(r'(\d+)', name.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder in natural order; raise SourceError without one."""
    files = [path for path in folder.iterdir() if is_picture(path)]
    if not files:
        below = sorted({path.parent for path in folder.rglob('*') if is_picture(path)})
        hint = f' There are some in {below[0]}.' if below else ''
        msg = (
            f'The folder {folder} holds no picture ({", ".join(PICTURE_SUFFIXES)}).{hint} '
            'Give a folder of pictures, a video or a bag.'
        )
        raise SourceError(msg)
    return sorted(files, key=lambda path: natural_key(path.name))


def is_picture(path: Path) -> bool:
    """Tell whether a file looks like a picture that is meant to be seen."""
    visible = not path.name.startswith('.')
    return visible and path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()
