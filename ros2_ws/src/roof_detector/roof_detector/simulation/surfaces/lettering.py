# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Letters, digits and emblems painted on faces and roofs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.surfaces.noise import Plane
    from roof_detector.simulation.surfaces.swatch import Decoration, FloatImage

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
LETTERS = 'ABCDEFGHIKLMNOPRSTUVXYZabcdeghiklmnorstuvxz0123456789'
SHEET_HEIGHT_PX = 64
EMBLEMS = ('disc', 'ring', 'bars', 'arrow', 'cross')


def word(rng: np.random.Generator, *, letters: tuple[int, int]) -> str:
    """Draw a word without meaning, its length in a range (fewest, most)."""
    count = int(rng.integers(letters[0], letters[1] + 1))
    return ''.join(LETTERS[int(rng.integers(len(LETTERS)))] for _ in range(count))


def cover_of(text: str, rng: np.random.Generator) -> Plane:
    """Write a text or draw an emblem and return its coverage 0-1 (h, w), cut to its extent."""
    if text in EMBLEMS:
        return _emblem(text)
    font = FONTS[int(rng.integers(len(FONTS)))]
    thick = int(rng.integers(2, 14))
    (width, height), below = cv2.getTextSize(text, font, 2.0, thick)
    sheet = np.zeros((height + below + 2 * thick, width + 2 * thick), np.uint8)
    cv2.putText(
        sheet, text, (thick, height + thick), font, 2.0, (255,), thick, lineType=cv2.LINE_AA
    )
    return sheet.astype(np.float32) / 255


def _emblem(name: str) -> Plane:
    side = SHEET_HEIGHT_PX
    sheet, middle = np.zeros((side, side), np.uint8), (side // 2, side // 2)
    if name in ('disc', 'ring'):
        cv2.circle(sheet, middle, side // 2 - 6, (255,), -1 if name == 'disc' else 9, cv2.LINE_AA)
    elif name == 'bars':
        for y in range(4, side - 8, 16):
            cv2.rectangle(sheet, (4, y), (side - 4, y + 8), (255,), -1)
    elif name == 'arrow':
        cv2.arrowedLine(sheet, (6, side // 2), (side - 6, side // 2), (255,), 8, tipLength=0.45)
    else:
        cv2.line(sheet, (6, 6), (side - 6, side - 6), (255,), 9, cv2.LINE_AA)
        cv2.line(sheet, (6, side - 6), (side - 6, 6), (255,), 9, cv2.LINE_AA)
    return sheet.astype(np.float32) / 255


def placed(
    cover: Plane,
    shape_hw: tuple[int, int],
    *,
    centre_xy: tuple[float, float],
    width_px: float,
    turn: float,
    lean: float = 0.0,
) -> Plane:
    """Lay a coverage into a sheet (h, w) at a place, width, turn in radians and lean."""
    height, width = cover.shape
    scale = width_px / width
    if scale < 0.5:
        step = max(0.5, scale)
        cover = np.asarray(
            cv2.resize(
                cover,
                (max(int(width * step), 2), max(int(height * step), 2)),
                interpolation=cv2.INTER_AREA,
            ),
            np.float32,
        )
        height, width = cover.shape
        scale = width_px / width
    cosine, sine = np.cos(turn), np.sin(turn)
    linear = scale * np.array([[cosine, -sine], [sine, cosine]]) @ np.array([[1, lean], [0, 1]])
    shift = np.array(centre_xy) - linear @ (width / 2, height / 2)
    matrix = np.column_stack([linear, shift])
    size = (shape_hw[1], shape_hw[0])
    return np.asarray(cv2.warpAffine(cover, matrix, size, flags=cv2.INTER_LINEAR), np.float32)


def lettering(
    text: str,
    colour: Colour,
    *,
    at: tuple[float, float] = (0.5, 0.5),
    width: float = 0.6,
    turn: float = 0.0,
) -> Decoration:
    """Return a text or emblem; its place and width are fractions of the face's."""

    def draw(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
        tall, wide = pixels.shape[:2]
        weight = placed(
            cover_of(text, rng),
            (tall, wide),
            centre_xy=(at[0] * wide, at[1] * tall),
            width_px=width * wide,
            turn=turn,
            lean=float(rng.uniform(-0.4, 0.1)),
        )[..., None]
        pixels += (
            weight * np.float32(rng.uniform(0.7, 1.0)) * (np.array(colour, np.float32) - pixels)
        )

    return draw
