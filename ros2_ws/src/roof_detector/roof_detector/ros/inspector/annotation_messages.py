# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The detections of a frame as Foxglove's image annotations, with the numbers of findings.

Import it only where `foxglove_messages_available()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from foxglove_msgs.msg import Color, ImageAnnotations, Point2, PointsAnnotation, TextAnnotation

from roof_detector.vision.palette import class_colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builtin_interfaces.msg import Time

    from roof_detector.vision.detections import Detections

MOST_BOXES = 200
_DARK = 0.08
_LABEL_OPACITY = 0.7


def annotations_message(
    detections: Detections,
    *,
    labels: Sequence[str],
    names: tuple[str, ...],
    size_wh: tuple[int, int],
    stamp: Time,
) -> ImageAnnotations:
    """Return boxes and labels in pixels of an image, with its stamp, by which they are matched.

    `labels` (n,) is what stands before the class of each detection, such as the number of its
    finding, '' for none. Of more than `MOST_BOXES` those of the highest confidence are drawn and
    a label says how many are not. Without detections the message clears what was drawn.
    """
    count = len(detections)
    drawn = np.argsort(-detections.scores, kind='stable')[:MOST_BOXES]
    colours = [Color(r=r / 255, g=g / 255, b=b / 255, a=1.0) for b, g, r in class_colours(names)]
    background = Color(r=_DARK, g=_DARK, b=_DARK, a=_LABEL_OPACITY)
    thickness, font_size = _sizes(size_wh)
    corners = detections.boxes_xyxy[drawn].astype(np.float64).tolist()
    class_ids = detections.class_ids[drawn].tolist()
    scores = detections.scores[drawn].tolist()
    edges: dict[int, list[Point2]] = {}
    texts = []
    for index, (left, top, right, bottom), class_id, score in zip(
        drawn.tolist(), corners, class_ids, scores, strict=True
    ):
        a, b = Point2(x=left, y=top), Point2(x=right, y=top)
        c, d = Point2(x=right, y=bottom), Point2(x=left, y=bottom)
        # One annotation a class: a message of its own for each box would take twice as long.
        edges.setdefault(class_id, []).extend((a, b, b, c, c, d, d, a))
        words = f'{labels[index]} {names[class_id]} {score:.2f}'.strip()
        texts.append(
            TextAnnotation(
                timestamp=stamp,
                position=a,
                text=words,
                font_size=font_size,
                text_color=colours[class_id],
                background_color=background,
            )
        )
    if count > len(drawn):
        texts.append(
            TextAnnotation(
                timestamp=stamp,
                position=Point2(x=font_size, y=2 * font_size),
                text=f'{count - len(drawn)} more are not drawn',
                font_size=font_size,
                text_color=Color(r=1.0, g=1.0, b=1.0, a=1.0),
                background_color=background,
            )
        )
    boxes = [
        PointsAnnotation(
            timestamp=stamp,
            type=PointsAnnotation.LINE_LIST,
            points=points,
            outline_color=colours[class_id],
            thickness=thickness,
        )
        for class_id, points in sorted(edges.items())
    ]
    return ImageAnnotations(points=boxes, texts=texts)


def _sizes(size_wh: tuple[int, int]) -> tuple[float, float]:
    """Return the thickness of lines and the size of letters; both grow with the image."""
    side = max(size_wh)
    return max(side / 480, 2.0), max(side / 60, 12.0)
