# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What lies around drains and is none: kerbs, walls, paving, patches, marks, leaves, shadows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.research.realset.relief import cloud

if TYPE_CHECKING:
    from training.dataset.instance import Floats
    from training.research.realset.grates import Plane
    from training.research.realset.photo import Image
    from training.research.realset.relief import DrawnLight, Pose

_LEAVES_BGR = ((48, 74, 104), (56, 92, 138), (56, 66, 78), (58, 124, 158), (56, 88, 74))


def pave(image_bgr: Image, pose: Pose, rng: np.random.Generator) -> None:
    """Turn a surface into slabs or setts: joints, and stones that differ a little."""
    u, v = _plane(image_bgr, pose)
    across = rng.uniform(0.25, 1.6)
    down = across * float(rng.choice([0.5, 1.0, rng.uniform(0.4, 1.2)]))
    origin = rng.uniform(0, 1, 2)
    y = v / down + origin[1]
    row = np.floor(y)
    x = u / across + origin[0] + (row % 2) * float(rng.choice([0, 0.5]))
    column = np.floor(x)
    joint = np.minimum(_from_nearest(x) * across, _from_nearest(y) * down)
    tone = rng.normal(0, rng.uniform(0.01, 0.1), (64, 64))
    stone = 1 + tone[(row % 64).astype(int), (column % 64).astype(int)]
    width = max(rng.uniform(0.01, 0.04), 0.7 / pose.half_px)
    gap = np.exp(-((joint / width) ** 2)) * rng.uniform(0.15, 0.6)
    shade(image_bgr, stone * (1 - gap))


def kerb(
    image_bgr: Image,
    other_bgr: Image,
    pose: Pose,
    *,
    edge: float,
    light: DrawnLight,
    rng: np.random.Generator,
) -> None:
    """Lay a kerb along v = -edge, the other surface behind it, and dirt in the gutter."""
    u, v = _plane(image_bgr, pose)
    soft = 0.7 / pose.half_px
    width, face = rng.uniform(0.25, 0.6), rng.uniform(0.0, 0.3)
    over = -edge - v
    behind = np.clip(0.5 + (over - width - face) / soft, 0, 1)
    stone = np.clip(0.5 + (over - face) / soft, 0, 1) - behind
    upright = np.clip(0.5 + over / soft, 0, 1) - behind - stone
    tone = _median(image_bgr) * rng.uniform(0.8, 1.45)
    rough = 1 + 0.07 * cloud(v.shape, 9, rng) + 0.06 * cloud(v.shape, 60, rng)
    rough *= 1 - 0.5 * np.exp(-((_from_nearest(u / rng.uniform(2, 5) + 0.37) / 0.008) ** 2))
    facing = np.sin(light.azimuth - pose.turn) * light.sun
    lit = 1 + 0.6 * facing - 0.25
    gutter = 1 - rng.uniform(0, 0.35) * np.exp(-np.abs(over) / rng.uniform(0.1, 0.5))
    shadow = 1 - np.clip(-facing, 0, 1) * 0.6 * ((over < 0) & (over > -rng.uniform(0.05, 0.4)))
    shade(image_bgr, np.where(over < 0, gutter * shadow, 1))
    _blend(image_bgr, other_bgr.astype(np.float32), behind)
    _blend(image_bgr, tone * rough[..., None], stone)
    _blend(image_bgr, tone * (lit * rough)[..., None], upright)


def scupper(
    image_bgr: Image, other_bgr: Image, pose: Pose, light: DrawnLight, rng: np.random.Generator
) -> Floats | None:
    """Draw a dark opening at the foot of a wall, with a lip of metal; return its box, if seen."""
    u, v = _plane(image_bgr, pose)
    soft = 0.7 / pose.half_px
    tone = rng.uniform(0.6, 1.25) * (1 + 0.4 * light.sun * np.sin(light.azimuth - pose.turn))
    _blend(image_bgr, other_bgr.astype(np.float32) * tone, np.clip(0.5 - v / soft, 0, 1))
    foot = 1 - rng.uniform(0.15, 0.5) * np.exp(-np.abs(v) / rng.uniform(0.05, 0.25))
    wet = np.exp(-np.maximum(v, 0) / rng.uniform(0.6, 2)) * np.clip(1.4 - np.abs(u), 0, 1)
    shade(image_bgr, foot * (1 - rng.uniform(0, 0.35) * wet * (v > 0)))
    high, lip, frame = rng.uniform(0.35, 1.0), rng.uniform(0.15, 0.5), rng.uniform(0.06, 0.2)
    whole = _within(u, v, (-1, -high, 1, lip), soft)
    inner = _within(u, v, (-1 + frame, -high + frame, 1 - frame, lip * 0.05), soft)
    metal = float(rng.choice([55, 100, 140, 165])) * np.clip(
        _median(image_bgr).mean() / 105, 0.5, 1.4
    )
    rough = 1 + 0.06 * cloud(v.shape, 25, rng) + 0.04 * cloud(v.shape, 6, rng)
    bend = np.where(v > 0, 1.08, 0.86)
    colour = metal * rng.uniform(0.94, 1.06, 3)
    _blend(image_bgr, (rough * bend)[..., None] * colour, whole)
    deep = np.clip(0.25 + 0.9 * v / high + 0.6, 0.1, 1) * rng.uniform(10, 40)
    _blend(image_bgr, np.repeat(deep[..., None], 3, axis=2), inner)
    rows, columns = np.nonzero(whole > 0.5)
    if not len(rows):
        return None
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return np.array(box, dtype=np.float64)


def leaves(
    image_bgr: Image,
    centre_xy: Floats,
    reach_px: float,
    light: DrawnLight,
    rng: np.random.Generator,
) -> None:
    """Strew leaves, some with their shadow, around a place."""
    side = reach_px * rng.uniform(0.06, 0.2)
    for _ in range(int(rng.integers(2, 12))):
        place = centre_xy + rng.normal(0, 0.6, 2) * reach_px
        turn, long, thin = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.3), rng.uniform(0.3, 0.7)
        angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        ragged = 1 + rng.normal(0, 0.14, 14)
        shape = np.stack([np.cos(angles) * long, np.sin(angles) * thin], axis=1) * ragged[:, None]
        c, s = np.cos(turn), np.sin(turn)
        points = place + shape @ np.array([[c, s], [-s, c]]) * side
        shadow = np.array([np.cos(light.azimuth), np.sin(light.azimuth)]) * -0.18 * side
        _blend_polygon(image_bgr, points + shadow, None, 0.5 * light.sun)
        colour = np.array(_LEAVES_BGR[int(rng.integers(len(_LEAVES_BGR)))])
        lit = colour * np.clip(_median(image_bgr).mean() / 105, 0.5, 1.4) * rng.uniform(0.6, 1.2)
        _blend_polygon(image_bgr, points, lit, 0.95)


def patch(image_bgr: Image, centre_xy: Floats, half_px: float, rng: np.random.Generator) -> None:
    """Darken or lighten a place as repaired asphalt, wet or stained ground does."""
    u, v = _turned(image_bgr, centre_xy, half_px, rng)
    high = rng.uniform(0.3, 1.0)
    if rng.random() < 0.6:
        away = np.maximum(np.abs(u) - 1, np.abs(v) - high)
        away = away + 0.02 * cloud(u.shape, 12, rng)
    else:
        away = np.hypot(u, v / high) - 1 + 0.18 * cloud(u.shape, max(half_px / 2, 4), rng)
    inside = np.clip(0.5 - np.asarray(away) * half_px / rng.uniform(1, 4), 0, 1)
    tone = float(rng.choice([rng.uniform(0.4, 0.8), rng.uniform(1.1, 1.4)]))
    smooth = cv2.GaussianBlur(image_bgr, (0, 0), rng.uniform(0.5, 2)).astype(np.float32)
    edge = 1 - 0.3 * np.exp(-((away * half_px / 1.5) ** 2)) * float(rng.random() < 0.5)
    _blend(image_bgr, smooth * tone, inside)
    shade(image_bgr, edge)


def mark(image_bgr: Image, centre_xy: Floats, half_px: float, rng: np.random.Generator) -> None:
    """Paint a worn road mark: a bar, several bars, or an arrow."""
    u, v = _turned(image_bgr, centre_xy, half_px, rng)
    kind = int(rng.integers(4))
    if kind == 0:
        away = np.maximum(np.abs(u) - 1, np.abs(v) - rng.uniform(0.08, 0.3))
    elif kind == 1:
        bars = np.abs(u * 3 - np.round(u * 3)) / 3 - 0.1
        away = np.maximum(np.maximum(np.abs(u) - 1, np.abs(v) - 0.8), bars)
    elif kind == 2:
        head = np.maximum(np.abs(v) - (1 - u) * 0.6, 0.35 - u)
        away = np.minimum(head, np.maximum(np.abs(u + 0.25) - 0.6, np.abs(v) - 0.09))
    else:
        away = np.abs(np.hypot(u, v) - 0.85) - 0.12
    worn = np.clip(0.9 + rng.uniform(-0.5, 0.3) + 0.35 * cloud(u.shape, 8, rng), 0, 0.95)
    paint = np.array(((215, 218, 218), (70, 190, 220), (60, 60, 190)), np.float32)
    bright = np.clip(_median(image_bgr).mean() / 105, 0.6, 1.15)
    colour = paint[int(rng.choice([0, 0, 0, 1, 2]))] * bright
    inside = np.clip(0.5 - np.asarray(away, np.float32) * half_px / 1.3, 0, 1) * worn
    _blend(image_bgr, np.broadcast_to(colour, image_bgr.shape), inside.astype(np.float32))


def inlay(
    image_bgr: Image,
    other_bgr: Image,
    centre_xy: Floats,
    half_px: float,
    rng: np.random.Generator,
) -> None:
    """Set a square of other stone into a surface, with joints around and within it."""
    u, v = _turned(image_bgr, centre_xy, half_px, rng)
    away = np.maximum(np.abs(u), np.abs(v)) - 1
    parts = int(rng.integers(1, 5))
    joint = (
        np.minimum(_from_nearest((u + 1) * parts / 2), _from_nearest((v + 1) * parts / 2))
        * 2
        / parts
    )
    joint = np.minimum(joint, np.abs(away))
    inside = np.clip(0.5 - away * half_px / 1.3, 0, 1)
    _blend(image_bgr, other_bgr.astype(np.float32) * rng.uniform(0.7, 1.2), inside)
    dark = np.exp(-((joint * half_px / rng.uniform(0.8, 2)) ** 2)) * rng.uniform(0.2, 0.6)
    shade(image_bgr, 1 - dark * np.clip(0.5 - (away - 0.05) * half_px / 1.3, 0, 1))


def shadow(image_bgr: Image, light: DrawnLight, rng: np.random.Generator) -> None:
    """Cast a shadow with hard edges over a part of an image, as buildings and poles do."""
    centre = rng.uniform(0, 1, 2) * image_bgr.shape[1::-1]
    u, v = _turned(image_bgr, centre, 100.0, rng)
    kind = int(rng.integers(3))
    if kind == 0:
        away = v
    elif kind == 1:
        away = np.abs(v) - rng.uniform(0.05, 0.6)
    else:
        away = np.maximum(np.abs(u) - rng.uniform(0.3, 1.5), np.abs(v) - rng.uniform(0.3, 1.2))
    inside = np.clip(0.5 - np.asarray(away) * 100 / rng.uniform(1.5, 8), 0, 1)
    depth = rng.uniform(0.3, 0.35 + 0.35 * light.sun)
    tint = np.array([0.9, 1.0, 1.05])  # the sky lights shadows with blue
    shaded = image_bgr * (1 - inside[..., None] * depth * tint)
    image_bgr[...] = np.clip(shaded, 0, 255).astype(np.uint8)


def _plane(image_bgr: Image, pose: Pose) -> tuple[Plane, Plane]:
    return pose.plane(0, 0, (image_bgr.shape[1], image_bgr.shape[0]), 1)


def _turned(
    image_bgr: Image, centre_xy: Floats, half_px: float, rng: np.random.Generator
) -> tuple[Plane, Plane]:
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.indices(image_bgr.shape[:2], dtype=np.float32)
    x, y = (x - centre_xy[0]) / half_px, (y - centre_xy[1]) / half_px
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return (x * c + y * s).astype(np.float32), (y * c - x * s).astype(np.float32)


def _from_nearest(x: Plane) -> Plane:
    return np.abs(x - np.round(x))


def _within(u: Plane, v: Plane, box: tuple[float, float, float, float], soft: float) -> Plane:
    away = np.maximum(np.maximum(box[0] - u, u - box[2]), np.maximum(box[1] - v, v - box[3]))
    return np.clip(0.5 - away / soft, 0, 1)


def _median(image_bgr: Image) -> Floats:
    return np.median(image_bgr[::7, ::7].reshape(-1, 3), axis=0)


def shade(image_bgr: Image, factor: Plane) -> None:
    """Multiply an image (h, w, 3) by a factor (h, w), in place."""
    image_bgr[...] = np.clip(image_bgr * factor[..., None], 0, 255).astype(np.uint8)


def _blend(image_bgr: Image, over_bgr: Floats | Plane, share: Plane) -> None:
    mixed = image_bgr + (over_bgr - image_bgr) * share[..., None]
    image_bgr[...] = np.clip(mixed, 0, 255).astype(np.uint8)


def _blend_polygon(image_bgr: Image, points: Floats, colour: Floats | None, share: float) -> None:
    mask = np.zeros(image_bgr.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return
    place = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    cover = mask[place][..., None] / 255 * share
    old = image_bgr[place]
    over = (
        old * 0.25
        if colour is None
        else colour * (0.8 + 0.2 * old.mean(axis=2, keepdims=True) / max(old.mean(), 1))
    )
    image_bgr[place] = np.clip(old + (over - old) * cover, 0, 255).astype(np.uint8)
