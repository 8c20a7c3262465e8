# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From the name of a recorded flight to its footage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inputs.image_files import PICTURE_SUFFIXES
from roof_detector.inputs.open_source import is_bag
from roof_detector.offline.bag_recording import BagFootage
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.file_recording import PictureFootage, VideoFootage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.offline.recording import Footage

_KINDS = 'a video file, a picture, a folder of pictures or a bag (folder, .mcap, .db3, .bag)'


def open_footage(
    path: Path,
    *,
    image_topics: Sequence[str] = (),
    copy_topics: Sequence[str] | None = None,
) -> Footage:
    """Open a recorded flight; raise SourceError or ReplayError with the reason why not."""
    if not path.exists():
        msg = f'There is no file or folder {path}; give {_KINDS}.'
        raise ReplayError(msg)
    if is_bag(path):
        return BagFootage(path, image_topics=image_topics, copy_topics=copy_topics)
    if image_topics:
        msg = f'Only a bag has image topics, and {path} is none; leave --image-topics out.'
        raise ReplayError(msg)
    if path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES:
        return PictureFootage(path)
    return VideoFootage(path)
