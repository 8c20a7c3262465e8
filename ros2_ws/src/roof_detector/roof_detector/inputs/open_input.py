# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Opens an input from what a user typed: a path, an address or the number of a camera."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inputs.addresses import without_password
from roof_detector.inputs.bag import BagInput
from roof_detector.inputs.capture import NetworkStream, V4l2Camera
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.file_kind import Group, kind_of_file
from roof_detector.inputs.image_decoding import IMAGE_SUFFIXES, is_image_file
from roof_detector.inputs.image_files import ImageFilesInput
from roof_detector.inputs.live import LiveInput
from roof_detector.inputs.raster_kinds import is_raster
from roof_detector.inputs.video import VideoInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.inputs.input import Input, RecordedInput

STREAM_SCHEMES = ('rtsp', 'rtsps', 'http', 'https', 'rtmp', 'udp', 'tcp')
BAG_SUFFIXES = ('.mcap', '.db3', '.bag')
RECORDED_KINDS = (
    'a video file, an image, an orthophoto, a folder of images or a bag '
    '(folder, .mcap, .db3, .bag)'
)
KINDS = f'a camera (0, /dev/video0), a stream (rtsp://...), {RECORDED_KINDS}'


def open_input(
    text: str,
    *,
    rate_hz: float | None = None,
    loop: bool = False,
    topic: str = '',
    size_wh: tuple[int, int] | None = None,
    pixel_format: str = '',
) -> Input:
    """Recognise and open an input to play it.

    `rate_hz` replaces the input's own rate; `loop` plays a recorded input again at its end;
    `topic` names the image topic of a bag that has several; `size_wh` and `pixel_format` are
    requested from a camera of this computer. Raises InputError; an absent camera or stream
    is no error, it is opened when it appears.
    """
    text = text.strip()
    if not text:
        msg = f'No input was named; give {KINDS}.'
        raise InputError(msg)
    camera = _live_camera(text, size_wh=size_wh, pixel_format=pixel_format, rate_hz=rate_hz)
    for option, given in (
        ('size', size_wh is not None and not isinstance(camera, V4l2Camera)),
        ('pixel_format', pixel_format and not isinstance(camera, V4l2Camera)),
        ('loop', loop and camera is not None),
    ):
        if given:
            msg = f'The option {option} means nothing for {without_password(text)}; leave it out.'
            raise InputError(msg)
    if camera is not None:
        opened: Input = LiveInput(camera, rate_hz=rate_hz)
    else:
        path = Path(text.removeprefix('file://')).expanduser()
        opened = _open_path(path, kinds=KINDS, rate_hz=rate_hz, loop=loop, image_topics=(topic,))
    if topic and not isinstance(opened, BagInput):
        opened.close()
        msg = f'Only a bag has topics and {opened.name} is not a bag; leave {topic!r} out.'
        raise InputError(msg)
    return opened


def open_recording(
    path: Path,
    *,
    image_topics: Sequence[str] = (),
    passthrough_topics: Sequence[str] | None = None,
    named_topics: Sequence[str] = (),
) -> RecordedInput:
    """Open a recorded input to read each frame once, or raise InputError.

    An orthophoto is read tile by tile (`RasterInput`). `image_topics`, `passthrough_topics` and
    `named_topics` are those of `BagInput`.
    """
    if image_topics and path.exists() and not is_bag(path):
        msg = f'Only a bag has image topics and {path} is not a bag; leave --image-topics out.'
        raise InputError(msg)
    if is_raster(path):
        # GDAL is loaded only for those who need it.
        from roof_detector.inputs.raster import RasterInput  # noqa: PLC0415

        return RasterInput(path)
    return _open_path(
        path,
        kinds=RECORDED_KINDS,
        image_topics=image_topics,
        passthrough_topics=passthrough_topics,
        named_topics=named_topics,
        has_rasters=False,
    )


def is_live(text: str) -> bool:
    """Return whether a text names a camera or a stream and not a file."""
    camera = _live_camera(text.strip(), size_wh=None, pixel_format='', rate_hz=None)
    return camera is not None


def _live_camera(
    text: str, *, size_wh: tuple[int, int] | None, pixel_format: str, rate_hz: float | None
) -> V4l2Camera | NetworkStream | None:
    """Return how to open a live camera; None if the text names a file."""
    if text.isdecimal() or text.startswith('/dev/') or _is_character_device(text):
        device = Path(f'/dev/video{int(text)}' if text.isdecimal() else text)
        return V4l2Camera(path=device, size_wh=size_wh, pixel_format=pixel_format, rate_hz=rate_hz)
    scheme, separator, _ = text.partition('://')
    if not separator or not re.fullmatch(r'[A-Za-z][A-Za-z0-9+.-]*', scheme):
        return None
    if scheme.lower() in STREAM_SCHEMES:
        return NetworkStream(text)
    if scheme.lower() == 'file':
        return None
    msg = (
        f'Addresses that begin with {scheme}:// are not known; give '
        f'{", ".join(name + "://" for name in STREAM_SCHEMES)}, or {KINDS}.'
    )
    raise InputError(msg)


def _open_path(
    path: Path,
    *,
    kinds: str,
    image_topics: Sequence[str],
    passthrough_topics: Sequence[str] | None = None,
    named_topics: Sequence[str] = (),
    rate_hz: float | None = None,
    loop: bool = False,
    has_rasters: bool = True,
) -> RecordedInput:
    if not path.exists():
        msg = f'There is no file or folder {path}; give {kinds}.'
        raise InputError(msg)
    if is_bag(path):
        return BagInput(
            path,
            rate_hz=rate_hz,
            loop=loop,
            image_topics=image_topics,
            passthrough_topics=passthrough_topics,
            named_topics=named_topics,
        )
    if path.is_dir() or _is_image(path):
        return ImageFilesInput(path, rate_hz=rate_hz, loop=loop, has_rasters=has_rasters)
    return VideoInput(path, rate_hz=rate_hz, loop=loop)


def is_bag(path: Path) -> bool:
    """Return whether a file or folder is a bag, by its name and its files."""
    if not path.is_dir():
        return path.suffix.lower() in BAG_SUFFIXES
    files = list(path.iterdir())
    if any(file.name == 'metadata.yaml' for file in files):
        return True
    # A recording that was cut off has no metadata yet.
    return any(file.suffix in BAG_SUFFIXES for file in files) and not any(
        map(is_image_file, files)
    )


def _is_image(path: Path) -> bool:
    """Return whether a file is an image by its content, else by its name."""
    group = kind_of_file(path).group
    if group in (Group.IMAGE, Group.RAW, Group.UNREAD):
        return True
    return group is not Group.VIDEO and path.suffix.lower() in IMAGE_SUFFIXES


def _is_character_device(text: str) -> bool:
    try:
        return stat.S_ISCHR(Path(text).stat().st_mode)
    except (OSError, ValueError):
        return False
