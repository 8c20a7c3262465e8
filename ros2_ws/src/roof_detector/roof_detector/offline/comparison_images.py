# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frames in which two runs differ most, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.results.contact_sheet import contact_sheet
from roof_detector.results.errors import ExportError
from roof_detector.results.text import file_name
from roof_detector.vision.drawing import draw_detections

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from roof_detector.offline.comparison import Difference
    from roof_detector.vision.frame_findings import FrameFindings

SHEET = 'differences.png'
_GAP_PX = 8
_PAPER, _INK, _AGREED = (28, 28, 28), (235, 235, 235), (225, 225, 225)
_NO_PICTURE = (96, 96, 96)
_TILE_PX = 1400
_ONE_COLUMN = 4  # up to so many frames


def side_by_side(
    difference: Difference, image_bgr: NDArray[np.uint8] | None, *, titles: tuple[str, str]
) -> NDArray[np.uint8]:
    """Return A's half left of B's: in class colours what one found alone, in thin grey the rest.

    Without a picture the boxes stand on plain grey.
    """
    agreement = difference.agreement
    width, height = difference.a.size_wh
    if image_bgr is None:
        image_bgr = np.full((height, width, 3), _NO_PICTURE, np.uint8)
    halves = [
        _half(findings, alone, image_bgr, title=title)
        for findings, alone, title in (
            (difference.a, agreement.only_first, titles[0]),
            (difference.b, agreement.only_second, titles[1]),
        )
    ]
    gap = np.full((halves[0].shape[0], _GAP_PX, 3), _PAPER, np.uint8)
    return np.concatenate((halves[0], gap, halves[1]), axis=1)


def write_pictures(
    folder: Path, pictures: Sequence[tuple[NDArray[np.uint8], Difference]]
) -> list[Path]:
    """Write each pair as a PNG, and all of them on one sheet; return the files."""
    files, tiles = [], []
    for place, (picture, difference) in enumerate(pictures, start=1):
        name = file_name(difference.a.name.rpartition('.')[0] or difference.a.name)
        files.append(_save(folder / f'difference_{place:02d}_{name}.png', picture))
        agreement = difference.agreement
        caption = (
            f'{place}. {difference.a.name}: {len(agreement.only_first)} in A alone, '
            f'{len(agreement.only_second)} in B alone, {len(agreement.pairs)} in both'
        )
        tiles.append((picture, caption))
    if tiles:
        columns = 1 if len(tiles) <= _ONE_COLUMN else 2
        sheet = contact_sheet(tiles, columns=columns, tile_width_px=_TILE_PX)
        files.append(_save(folder / SHEET, sheet))
    return files


def _half(
    findings: FrameFindings,
    alone: NDArray[np.intp],
    image_bgr: NDArray[np.uint8],
    *,
    title: str,
) -> NDArray[np.uint8]:
    detections = findings.detections
    drawn = image_bgr.copy()
    agreed = np.setdiff1d(np.arange(len(detections)), alone)
    thickness = max(round(drawn.shape[1] / 1000), 1)
    for box in np.rint(detections.boxes_xyxy[agreed]).astype(int).tolist():
        # The dark rim shows the line on a light roof.
        cv2.rectangle(drawn, box[:2], box[2:], _PAPER, thickness + 2)
        cv2.rectangle(drawn, box[:2], box[2:], _AGREED, thickness)
    drawn = draw_detections(drawn, detections[alone], findings.class_names)
    scale = max(drawn.shape[1] / 1200, 0.4)
    bar = np.full((round(34 * scale) + 4, drawn.shape[1], 3), _PAPER, np.uint8)
    text = f'{title}: {len(detections)} found, {len(alone)} alone'
    origin = (round(8 * scale), round(25 * scale))
    cv2.putText(bar, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.8 * scale, _INK, 1, cv2.LINE_AA)
    return np.concatenate((bar, drawn))


def _save(path: Path, picture: NDArray[np.uint8]) -> Path:
    encoded, data = cv2.imencode('.png', picture)
    assert encoded, path
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        msg = f'{path} cannot be written ({error.strerror}). Name another folder.'
        raise ExportError(msg) from error
    return path
