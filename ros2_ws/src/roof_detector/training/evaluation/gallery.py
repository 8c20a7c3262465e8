# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images of the worst mistakes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.inputs.image_decoding import read_image
from roof_detector.results.contact_sheet import contact_sheet
from roof_detector.vision.detections import Detections
from roof_detector.vision.drawing import draw_detections
from training.evaluation.mistake import Mistake, false_alarms, misses

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.evaluation.evaluation import Evaluation

ImageBgr = npt.NDArray[np.uint8]

_CONTEXT = 4.0  # sides of the window, in longer sides of the object
_LEAST_WINDOW_PX = 128
_TILE_PX = 400
_SINGLE_PX = 720
_LETTER_PX = 9  # width of a letter of a caption
_WHITE, _DARK, _ARROW = (255, 255, 255), (20, 20, 20), (60, 60, 255)
_DASH_PX = 9


def write_gallery(evaluation: Evaluation, folder: Path, *, most: int = 24) -> dict[str, int]:
    """Write the worst misses and false alarms, each alone and on a sheet; return their numbers.

    A red arrow points at the mistake; white dashes are labels, coloured boxes are predictions
    above the confidence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    for kind, find in (('missed', misses), ('false_alarm', false_alarms)):
        found = find(evaluation.images, evaluation.names, confidence=evaluation.options.confidence)
        counts[kind] = len(found)
        if shown := found[:most]:
            _write_kind(shown, kind, evaluation, folder)
    return counts


def _write_kind(
    mistakes: Sequence[Mistake], kind: str, evaluation: Evaluation, folder: Path
) -> None:
    title = kind.replace('_', ' ')
    tiles = []
    for number, mistake in enumerate(mistakes, 1):
        image_bgr = read_image(mistake.image.path)
        stem = re.sub(r'[^\w.-]+', '_', f'{mistake.name}_{mistake.image.path.stem}')
        large = draw_mistake(mistake, image_bgr, evaluation, side_px=_SINGLE_PX)
        caption = f'{title} {_caption(mistake, letters=_SINGLE_PX // _LETTER_PX - len(title))}'
        page = contact_sheet([(large, caption)], tile_width_px=_SINGLE_PX)
        _write(folder / f'{kind}_{number:02}_{stem}.jpg', page)
        tile = draw_mistake(mistake, image_bgr, evaluation, side_px=_TILE_PX)
        tiles.append((tile, _caption(mistake, letters=_TILE_PX // _LETTER_PX)))
    columns = min(max(round(len(tiles) ** 0.5), 2), 4)
    _write(folder / f'{kind}.jpg', contact_sheet(tiles, columns=columns, tile_width_px=_TILE_PX))


def draw_mistake(
    mistake: Mistake, image_bgr: ImageBgr, evaluation: Evaluation, *, side_px: int
) -> ImageBgr:
    """Return a square of the image around a mistake, with all labels and predictions."""
    left, top, side = _window(mistake, image_bgr)
    zoom = side_px / side
    crop = np.full((side, side, 3), 114, np.uint8)
    part = image_bgr[top : top + side, left : left + side]
    crop[: part.shape[0], : part.shape[1]] = part
    interpolation = cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA
    canvas: ImageBgr = cv2.resize(  # type: ignore[assignment]
        crop, (side_px, side_px), interpolation=interpolation
    )
    shift = np.array([left, top, left, top])
    found = mistake.image.found
    boxes = (found.boxes_xyxy - shift) * zoom
    seen = (found.scores > evaluation.options.confidence) & _touches(boxes, side_px)
    moved = Detections(boxes_xyxy=boxes, scores=found.scores, class_ids=found.class_ids)
    own = np.all(found.boxes_xyxy == mistake.box_xyxy, axis=1) & (mistake.score is not None)
    # Labels on all of them would hide the objects.
    canvas = draw_detections(canvas, moved[seen & ~own], evaluation.names, draw_labels=False)
    true = (mistake.image.true.boxes_xyxy - shift) * zoom
    for box in true[_touches(true, side_px)]:
        _dash(canvas, np.rint(box).astype(int).tolist())
    canvas = draw_detections(canvas, moved[seen & own], evaluation.names)
    corners = np.rint((mistake.box_xyxy - shift) * zoom).astype(int).tolist()
    _mark(canvas, corners, room_above=5 if mistake.score is None else 26)
    return canvas


def _window(mistake: Mistake, image_bgr: ImageBgr) -> tuple[int, int, int]:
    """Return left, top and side of a square around the box, inside the image if it fits."""
    height, width = image_bgr.shape[:2]
    side = round(max(mistake.longest_side * _CONTEXT, _LEAST_WINDOW_PX))
    # Grey beside the image is drawn only if the object itself needs the space.
    side = min(side, max(min(height, width), round(mistake.longest_side * 1.1)))
    middle = (mistake.box_xyxy[:2] + mistake.box_xyxy[2:]) / 2
    left, top = (
        int(np.clip(round(float(centre) - side / 2), 0, max(limit - side, 0)))
        for centre, limit in zip(middle, (width, height), strict=True)
    )
    return left, top, side


def _touches(boxes_xyxy: npt.NDArray[np.floating[Any]], side_px: int) -> npt.NDArray[np.bool_]:
    return ((boxes_xyxy[:, 2:] > 0) & (boxes_xyxy[:, :2] < side_px)).all(axis=1)


def _dash(canvas: ImageBgr, corners: list[int]) -> None:
    """Draw a box of white dashes with a dark rim, in place."""
    left, top, right, bottom = corners
    for colour, thickness in ((_DARK, 4), (_WHITE, 2)):
        for x in range(left, right, 2 * _DASH_PX):
            for y in (top, bottom):
                cv2.line(canvas, (x, y), (min(x + _DASH_PX, right), y), colour, thickness)
        for y in range(top, bottom, 2 * _DASH_PX):
            for x in (left, right):
                cv2.line(canvas, (x, y), (x, min(y + _DASH_PX, bottom)), colour, thickness)


def _mark(canvas: ImageBgr, corners: list[int], *, room_above: int) -> None:
    """Draw an arrow to the mistake from below, or from above, over the label."""
    left, top, right, bottom = corners
    x, side = (left + right) // 2, canvas.shape[0]
    length = side // 9
    below = bottom + length < side
    tip, tail = (
        (bottom + 5, bottom + 5 + length)
        if below
        else (top - room_above, top - room_above - length)
    )
    for colour, thickness in ((_DARK, 6), (_ARROW, 3)):
        cv2.arrowedLine(canvas, (x, tail), (x, tip), colour, thickness, cv2.LINE_AA, 0, 0.4)


def _caption(mistake: Mistake, *, letters: int) -> str:
    score = '' if mistake.score is None else f' {mistake.score:.2f}'
    text = f'{mistake.name}{score}: {mistake.cause} | '
    room = letters - len(text)
    name = mistake.image.path.name
    return text + (name if len(name) <= room else f'..{name[-max(room - 2, 6) :]}')


def _write(path: Path, image_bgr: ImageBgr) -> None:
    if not cv2.imwrite(str(path), image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 92]):
        msg = f'{path} cannot be written; check the folder and the free space.'
        raise OSError(msg)
