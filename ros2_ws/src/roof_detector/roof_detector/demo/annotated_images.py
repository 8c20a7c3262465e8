# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Writes the annotated images of a flight to files and to a contact sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.bags.reader import BagReader
from roof_detector.results.contact_sheet import contact_sheet

if TYPE_CHECKING:
    from pathlib import Path

_ANNOTATED = '/detector/image_annotated/compressed'
_DETECTIONS = '/detector/detections'


def write_annotated(bag: Path, folder: Path, *, sheet: Path, most_on_sheet: int = 12) -> int:
    """Write every annotated image as a JPEG, and some as a contact sheet; return the count.

    The sheet shows frames from the whole flight: of each stretch, the one with the most
    detections.
    """
    folder.mkdir(parents=True)
    found: dict[tuple[int, int], int] = {}
    written: list[tuple[Path, tuple[int, int]]] = []
    with BagReader(bag) as reader:
        for message in reader.messages((_ANNOTATED, _DETECTIONS)):
            content = reader.deserialize(message)
            stamp = (content.header.stamp.sec, content.header.stamp.nanosec)
            if message.topic == _DETECTIONS:
                found[stamp] = len(content.detections)
            else:
                path = folder / f'frame_{len(written):06d}.jpg'
                path.write_bytes(bytes(content.data))
                written.append((path, stamp))
    if written:
        stretches = np.array_split(np.arange(len(written)), min(most_on_sheet, len(written)))
        chosen = [max(stretch, key=lambda i: found.get(written[i][1], 0)) for stretch in stretches]
        begin = written[0][1]
        page = contact_sheet([_tile(*written[i], begin=begin, found=found) for i in chosen])
        cv2.imwrite(str(sheet), page, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return len(written)


def _tile(
    path: Path,
    stamp: tuple[int, int],
    *,
    begin: tuple[int, int],
    found: dict[tuple[int, int], int],
) -> tuple[npt.NDArray[np.uint8], str]:
    after_s = stamp[0] - begin[0] + (stamp[1] - begin[1]) / 1e9
    image_bgr = cv2.imread(str(path))
    assert image_bgr is not None, path
    count = found.get(stamp, 0)
    return image_bgr, f'{after_s:6.1f} s   {count} found'  # type: ignore[return-value]
