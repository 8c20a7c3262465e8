# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Drawing of detections on images for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from roof_detector.vision.letterbox import check_image
from roof_detector.vision.palette import Colour, class_colours

if TYPE_CHECKING:
    from roof_detector.vision.detections import Detections

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_HEIGHT = 22  # pixels of a capital letter at scale 1
_MASK_OPACITY = 0.45
_DARK, _LIGHT = (20, 20, 20), (255, 255, 255)


def draw_detections(
    image_bgr: npt.NDArray[np.uint8],
    detections: Detections,
    names: tuple[str, ...],
    *,
    draw_labels: bool = True,
    draw_masks: bool = True,
) -> npt.NDArray[np.uint8]:
    """Return a copy of the image with a box, a label and, if available, a mask for each detection.

    Boxes are in pixels of `image_bgr`. Lines and letters grow with the image. The detection of
    highest confidence is drawn last, on top.
    """
    check_image(image_bgr)
    drawn = image_bgr.copy()
    if not len(detections):
        return drawn
    colours = class_colours(names)
    if draw_masks and detections.masks is not None:
        _tint(drawn, detections, colours)
    height, width = drawn.shape[:2]
    thickness = max(round(max(width, height) / 480), 2)
    order = np.argsort(detections.scores, kind='stable')
    corners = np.rint(detections.boxes_xyxy).astype(int).tolist()
    for i in order:
        left, top, right, bottom = corners[i]
        # A dark rim keeps the line visible on a background of its own colour.
        cv2.rectangle(drawn, (left, top), (right, bottom), _DARK, thickness + 2)
        colour = colours[detections.class_ids[i]]
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, thickness)
    if draw_labels:
        for i in order:
            class_id = detections.class_ids[i]
            text = f'{names[class_id]} {detections.scores[i]:.2f}'
            _write(drawn, text, corners[i], colours[class_id], thickness)
    return drawn


def _tint(
    drawn: npt.NDArray[np.uint8], detections: Detections, colours: tuple[Colour, ...]
) -> None:
    """Tint the masks, each pixel once, in the colour of the highest confidence there."""
    masks = detections.masks
    assert masks is not None
    height, width = drawn.shape[:2]
    palette = list(dict.fromkeys(colours))
    table = np.zeros((1, 256, 3), dtype=np.uint8)
    table[0, 1 : len(palette) + 1] = palette
    numbers = np.zeros((height, width), dtype=np.uint8)
    windows = []
    for i in np.argsort(detections.scores, kind='stable').tolist():
        window, inside = masks.window(i, size_wh=(width, height))
        if inside.any():
            number = palette.index(colours[detections.class_ids[i]]) + 1
            np.copyto(numbers[window], np.uint8(number), where=inside)
            windows.append(window)
    area = sum(
        (rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in windows
    )
    if area > height * width:
        windows = [(slice(0, height), slice(0, width))]
    for window in windows:
        part, covered = drawn[window], numbers[window]
        tint = cv2.LUT(cv2.merge([covered] * 3), table)
        blended = cv2.addWeighted(part, 1 - _MASK_OPACITY, tint, _MASK_OPACITY, 0)
        cv2.copyTo(blended, covered, part)
        covered[:] = 0  # this pixel is done, whichever windows follow


def _write(
    drawn: npt.NDArray[np.uint8],
    text: str,
    corners: list[int],
    colour: Colour,
    thickness: int,
) -> None:
    """Write on a background of the class's colour, above the box or, at an edge, inside it."""
    height, width = drawn.shape[:2]
    scale = max(height, width) / 66 / _FONT_HEIGHT
    scale = max(scale, 0.45)
    weight = max(round(thickness / 2), 1)
    (text_w, text_h), _ = cv2.getTextSize(text, _FONT, scale, weight)
    margin = max(text_h // 3, 2)
    label_w, label_h = text_w + 2 * margin, text_h + 2 * margin
    left, top, _, _ = corners
    x = min(max(left - thickness // 2, 0), max(width - label_w, 0))
    y = top - label_h if top >= label_h else max(top, 0)
    cv2.rectangle(drawn, (x, y), (x + label_w, y + label_h), colour, cv2.FILLED)
    ink = _DARK if _brightness(colour) > 110 else _LIGHT
    origin = (x + margin, y + margin + text_h)
    cv2.putText(drawn, text, origin, _FONT, scale, ink, weight, cv2.LINE_AA)


def _brightness(colour: Colour) -> float:
    blue, green, red = colour
    return 0.114 * blue + 0.587 * green + 0.299 * red
