# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From what a user typed to a source of frames."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inputs.addresses import without_password
from roof_detector.inputs.bag import BagSource
from roof_detector.inputs.capture import NetworkStream, V4l2Camera
from roof_detector.inputs.errors import SourceError
from roof_detector.inputs.image_files import PICTURE_SUFFIXES, PictureSource, is_picture
from roof_detector.inputs.live import LiveSource
from roof_detector.inputs.video import VideoSource

if TYPE_CHECKING:
    from roof_detector.inputs.source import FrameSource

STREAM_SCHEMES = ('rtsp', 'rtsps', 'http', 'https', 'rtmp', 'udp', 'tcp')
BAG_SUFFIXES = ('.mcap', '.db3', '.bag')
KINDS = (
    'a camera (0, /dev/video0), a stream (rtsp://...), a video file, a picture, a folder of '
    'pictures, or a bag (folder, .mcap, .db3, .bag)'
)


def open_source(
    text: str,
    *,
    rate_hz: float | None = None,
    loop: bool = False,
    topic: str = '',
    size_wh: tuple[int, int] | None = None,
    pixel_format: str = '',
) -> FrameSource:
    """Recognise and open a source of frames.

    `rate_hz` replaces the source's own rate; `loop` begins a file again at its end; `topic`
    names the image topic of a bag that has several; `size_wh` and `pixel_format` are asked of a
    camera of this computer. Raises SourceError, except that an absent live source is waited for.
    """
    text = text.strip()
    if not text:
        msg = f'No source was named; give {KINDS}.'
        raise SourceError(msg)
    camera = _live_camera(text, size_wh=size_wh, pixel_format=pixel_format, rate_hz=rate_hz)
    for option, given in (
        ('size', size_wh is not None and not isinstance(camera, V4l2Camera)),
        ('pixel_format', pixel_format and not isinstance(camera, V4l2Camera)),
        ('loop', loop and camera is not None),
    ):
        if given:
            msg = f'The option {option} means nothing for {without_password(text)}; leave it out.'
            raise SourceError(msg)
    if camera is not None:
        source: FrameSource = LiveSource(camera, rate_hz=rate_hz)
    else:
        source = _open_file(text, rate_hz=rate_hz, loop=loop, topic=topic)
    if topic and not isinstance(source, BagSource):
        source.close()
        msg = f'Only a bag has topics, {source.name} is none; leave {topic!r} out.'
        raise SourceError(msg)
    return source


def is_live(text: str) -> bool:
    """Tell whether a text names a camera or a stream rather than a file."""
    camera = _live_camera(text.strip(), size_wh=None, pixel_format='', rate_hz=None)
    return camera is not None


def _live_camera(
    text: str, *, size_wh: tuple[int, int] | None, pixel_format: str, rate_hz: float | None
) -> V4l2Camera | NetworkStream | None:
    """Return how to open a live camera; None if the text names a file."""
    if text.isdecimal() or text.startswith('/dev/') or _is_character_device(text):
        device = Path(f'/dev/video{int(text)}' if text.isdecimal() else text)
        return V4l2Camera(device, size_wh, pixel_format, rate_hz)
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
    raise SourceError(msg)


def _open_file(text: str, *, rate_hz: float | None, loop: bool, topic: str) -> FrameSource:
    path = Path(text.removeprefix('file://')).expanduser()
    if not path.exists():
        msg = f'There is no file or folder {path}; give {KINDS}.'
        raise SourceError(msg)
    if is_bag(path):
        return BagSource(path, rate_hz=rate_hz, loop=loop, topic=topic)
    if path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES:
        return PictureSource(path, rate_hz=rate_hz, loop=loop)
    return VideoSource(path, rate_hz=rate_hz, loop=loop)


def is_bag(path: Path) -> bool:
    """Tell whether a file or folder is a bag by its name and what lies in it."""
    if not path.is_dir():
        return path.suffix.lower() in BAG_SUFFIXES
    files = list(path.iterdir())
    if any(file.name == 'metadata.yaml' for file in files):
        return True
    # A recording that was cut off has no metadata yet.
    return any(file.suffix in BAG_SUFFIXES for file in files) and not any(map(is_picture, files))


def _is_character_device(text: str) -> bool:
    try:
        return stat.S_ISCHR(Path(text).stat().st_mode)
    except (OSError, ValueError):
        return False
