# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The labels of one image as a file states them, before its image and classes are looked up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.instance import Floats


class LabelError(ValueError):
    """One label cannot be used; `kind` is the fault's key."""

    def __init__(self, text: str, kind: str) -> None:
        """Keep the sentence and the kind of the fault."""
        super().__init__(text)
        self.kind = kind


class SkippedLabel(Exception):  # noqa: N818 - not an error: what is skipped is counted
    """One label is left out on purpose; the message is the cause, as a plural noun."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RawObject:
    """One object: its class name and a box or outlines, in pixels or shares of the image.

    `points` holds outlines (n, 2) each, or for a box alone one pair of corners (2, 2).
    `place` is its entry in the file, for messages.
    """

    name: str
    points: tuple[Floats, ...]
    is_box: bool
    in_shares: bool = False
    line: int = 0
    place: str = ''


@dataclass(eq=False, kw_only=True)
class RawImage:
    """The labels of one image: the path that the file states, and what it says of it.

    `size_wh` is the stated size in pixels, `split` the stated split. `flaws` holds kind, text and
    line of each label that cannot be used.
    """

    file: Path
    name: str
    size_wh: tuple[int, int] | None = None
    split: str | None = None
    line: int = 0
    objects: list[RawObject] = field(default_factory=list)
    flaws: list[tuple[str, str, int]] = field(default_factory=list)

    def collect(
        self,
        entries: Any,
        read: Callable[[Any], RawObject | list[RawObject]],
        log: FaultLog,
        *,
        place: str = 'objects',
        line: int = 0,
    ) -> None:
        """Read each entry of a list; keep objects, note flaws, count what is skipped."""
        if not isinstance(entries, list | tuple):
            self.flaws.append(('json', f'{place} is {entries!r:.40}, not a list.', line))
            return
        for number, entry in enumerate(entries):
            self.collect_one(entry, read, log, place=f'{place}[{number}]', line=line)

    def collect_one(
        self,
        entry: Any,
        read: Callable[[Any], RawObject | list[RawObject]],
        log: FaultLog,
        *,
        place: str,
        line: int = 0,
    ) -> None:
        """Read one entry into objects or flaws; `place` and `line` say where it stands."""
        try:
            made = read(entry)
        except SkippedLabel as skipped:
            log.skip(str(skipped), self.file, line=line, place=place)
            return
        except LabelError as error:
            self.flaws.append((error.kind, f'{place}: {error}', line))
            return
        except (
            TypeError,
            ValueError,
            KeyError,
            AttributeError,
            IndexError,
            OverflowError,
        ) as error:
            self.flaws.append(('number', f'{place} cannot be read ({_reason(error)}).', line))
            return
        for one in made if isinstance(made, list) else [made]:
            self.objects.append(replace(one, line=line or one.line, place=place))


def raw_box(name: Any, corners: Sequence[Any], *, in_shares: bool = False) -> RawObject:
    """Return an object of a box (x0, y0, x1, y1); the corners may come in any order."""
    x0, y0, x1, y1 = (float(value) for value in corners)
    points = np.array([[min(x0, x1), min(y0, y1)], [max(x0, x1), max(y0, y1)]])
    return RawObject(name=class_name(name), points=(points,), is_box=True, in_shares=in_shares)


def raw_box_wh(name: Any, box: Sequence[Any], *, in_shares: bool = False) -> RawObject:
    """Return an object of a box (x, y, width, height) from its upper left corner."""
    x, y, width, height = (float(value) for value in box)
    points = np.array([[x, y], [x + width, y + height]])
    return RawObject(name=class_name(name), points=(points,), is_box=True, in_shares=in_shares)


def raw_outlines(name: Any, outlines: Sequence[Any], *, in_shares: bool = False) -> RawObject:
    """Return an object of outlines, each points (n, 2) or a flat list x, y, x, y ..."""
    if not len(outlines):
        msg = 'the polygon has no points; an outline needs 3 or more.'
        raise LabelError(msg, 'polygon')
    read = []
    for outline in outlines:
        numbers = np.array(outline, dtype=np.float64).reshape(-1)
        if len(numbers) % 2:
            text = f'the polygon has {len(numbers)} numbers; points have two each.'
            raise LabelError(text, 'polygon')
        read.append(numbers.reshape(-1, 2))
    if min(map(len, read)) < 3:
        text = f'the polygon has {min(map(len, read))} points; an outline needs 3 or more.'
        raise LabelError(text, 'polygon')
    return RawObject(name=class_name(name), points=tuple(read), is_box=False, in_shares=in_shares)


def ellipse(
    center_xy: Sequence[float], radii_xy: Sequence[float], degrees: float = 0.0, *, count: int = 36
) -> Floats:
    """Return the outline (count, 2) of an ellipse, rotated clockwise on the screen."""
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    points = np.stack([np.cos(turns) * radii_xy[0], np.sin(turns) * radii_xy[1]], axis=1)
    return rotated(points, degrees) + np.array(center_xy, dtype=np.float64)


def rotated(points: Floats, degrees: float) -> Floats:
    """Return points (n, 2) turned around (0, 0), clockwise on a screen whose y points down."""
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack(
        [points[:, 0] * cosine - points[:, 1] * sine, points[:, 0] * sine + points[:, 1] * cosine],
        axis=1,
    )


def rotated_box(center_xy: Sequence[float], size_wh: Sequence[float], degrees: float) -> Floats:
    """Return the corners (4, 2) of a box turned clockwise around its middle."""
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(size_wh, np.float64) / 2
    return rotated(half, degrees) + np.array(center_xy, dtype=np.float64)


def class_name(value: Any) -> str:
    """Return a class name as text, whatever type a file gives it; raise LabelError without one."""
    if value is None or isinstance(value, list | dict) or not str(value).strip():
        msg = f'the class is {value!r}; every object needs a class name.'
        raise LabelError(msg, 'class')
    if isinstance(value, bool):
        return str(value).lower()  # as JSON and YAML write it
    return str(value).strip()


def refused(shape: str, remedy: str = 'draw a box or a polygon, or remove it') -> LabelError:
    """Return the error of a shape that has no area, by its name."""
    return LabelError(f'{shape} covers no area, so no detector learns it; {remedy}.', 'shape')


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f'it lacks {error}'
    return str(error) or type(error).__name__
