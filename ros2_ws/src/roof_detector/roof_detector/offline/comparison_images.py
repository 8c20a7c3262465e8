# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images of the frames in which two runs differ most, side by side."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.inputs.raster import RasterInput
from roof_detector.offline.comparison import Difference
from roof_detector.offline.image_search import camera_inputs, images_of
from roof_detector.offline.manifest import PARAMETERS, manifest_table
from roof_detector.results.contact_sheet import contact_sheet
from roof_detector.results.errors import ExportError
from roof_detector.results.text import file_name
from roof_detector.vision.detections import Detections
from roof_detector.vision.drawing import draw_detections

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from roof_detector.offline.comparison import Comparison
    from roof_detector.offline.result_bag import ResultBag
    from roof_detector.vision.frame_findings import FrameFindings

SHEET = 'differences.png'
_GAP_PX = 8
_PAPER, _INK, _AGREED = (28, 28, 28), (235, 235, 235), (225, 225, 225)
_NO_IMAGE = (96, 96, 96)
_TILE_PX = 1400
_LARGEST_PX = 4096  # of the longer side of one half; an orthophoto is drawn smaller
_ONE_COLUMN = 4  # up to so many frames
_NONE = (
    'The images of the flight were not found in the bags or at the path of the input; the boxes '
    'are shown on plain grey. Name the input with --images.'
)


def side_by_side(
    difference: Difference, image_bgr: NDArray[np.uint8] | None, *, titles: tuple[str, str]
) -> NDArray[np.uint8]:
    """Return A's half left of B's: detections of one alone in class colours, others in grey.

    Without an image the background is plain grey.
    """
    agreement = difference.agreement
    if max(difference.a.size_wh) > _LARGEST_PX:
        difference = _reduced(difference)
    width, height = difference.a.size_wh
    if image_bgr is None:
        image_bgr = np.full((height, width, 3), _NO_IMAGE, np.uint8)
    halves = [
        _half(findings, alone, image_bgr, title=title)
        for findings, alone, title in (
            (difference.a, agreement.only_first, titles[0]),
            (difference.b, agreement.only_second, titles[1]),
        )
    ]
    gap = np.full((halves[0].shape[0], _GAP_PX, 3), _PAPER, np.uint8)
    return np.concatenate((halves[0], gap, halves[1]), axis=1)


def _reduced(difference: Difference) -> Difference:
    """Return a difference in an orthophoto at a size that can be drawn."""
    scale = _LARGEST_PX / max(difference.a.size_wh)
    a, b = (_scaled(findings, scale) for findings in (difference.a, difference.b))
    return Difference(a, b, difference.agreement)


def _scaled(findings: FrameFindings, scale: float) -> FrameFindings:
    found = findings.detections
    width, height = findings.size_wh
    return replace(
        findings,
        size_wh=(max(round(width * scale), 1), max(round(height * scale), 1)),
        detections=Detections(
            boxes_xyxy=found.boxes_xyxy * scale, scores=found.scores, class_ids=found.class_ids
        ),
    )


def write_images(
    folder: Path, images: Sequence[tuple[NDArray[np.uint8], Difference]]
) -> list[Path]:
    """Write each pair as a PNG, and all of them on one sheet; return the files."""
    files, tiles = [], []
    for rank, (image, difference) in enumerate(images, start=1):
        name = file_name(difference.a.name.rpartition('.')[0] or difference.a.name)
        files.append(_save(folder / f'difference_{rank:02d}_{name}.png', image))
        agreement = difference.agreement
        caption = (
            f'{rank}. {difference.a.name}: {len(agreement.only_first)} in A alone, '
            f'{len(agreement.only_second)} in B alone, {len(agreement.pairs)} in both'
        )
        tiles.append((image, caption))
    if tiles:
        columns = 1 if len(tiles) <= _ONE_COLUMN else 2
        sheet = contact_sheet(tiles, columns=columns, tile_width_px=_TILE_PX)
        files.append(_save(folder / SHEET, sheet))
    return files


def side_by_side_images(
    comparison: Comparison, a: ResultBag, b: ResultBag, *, images: Path | None
) -> tuple[list[tuple[NDArray[np.uint8], Difference]], str]:
    """Return each differing frame side by side, and a message if images are missing."""
    titles = (f'A  {_title(a, b)}', f'B  {_title(b, a)}')
    wanted = {
        topic: [one for one in comparison.differences if one.a.topic == topic]
        for topic in dict.fromkeys(one.a.topic for one in comparison.differences)
    }
    found: dict[int, NDArray[np.uint8]] = {}
    refusals: list[str] = []
    for topic, differences in wanted.items():
        for source in camera_inputs((a, b), topic, images=images):
            with closing(source):
                if isinstance(source, RasterInput):
                    continue  # an orthophoto as a whole is no image to look at
                frame_images = images_of(source, a)
                for one in sorted(differences, key=lambda one: one.a.stamp_ns):
                    image = None if id(one) in found else frame_images.of(one.a)
                    if image is not None:
                        drawn = side_by_side(one, image.image_bgr.copy(), titles=titles)
                        found[id(one)] = drawn
                refusals += frame_images.warnings()
            if all(id(one) in found for one in differences):
                break
    missing = any(id(one) not in found for one in comparison.differences)
    shown = [
        (found[id(one)] if id(one) in found else side_by_side(one, None, titles=titles), one)
        for one in comparison.differences
    ]
    return shown, ' '.join([_NONE, *refusals]) if missing else ''


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


def _save(path: Path, image_bgr: NDArray[np.uint8]) -> Path:
    encoded, data = cv2.imencode('.png', image_bgr)
    assert encoded, path
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        msg = f'{path} cannot be written ({error.strerror}). Name another folder.'
        raise ExportError(msg) from error
    return path


def _title(bag: ResultBag, other: ResultBag) -> str:
    """Return the model, and the parameters in which the other run differs."""
    own, others = (manifest_table(one.manifest, PARAMETERS) for one in (bag, other))
    differing = [
        f'{key.replace("_", " ")} {_words(value)}'
        for key, value in own.items()
        if others.get(key) != value
    ]
    return ', '.join([bag.manifest.get('model', bag.stem), *differing])


def _words(value: object) -> str:
    return (', '.join(map(str, value)) or 'none') if isinstance(value, list) else str(value)
