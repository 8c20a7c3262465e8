# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One row of the table of formats: how a file of the format is made, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def chart(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """Return a BGR image (height, width, 3) that every turn, mirror and swap of colours alters."""
    across = np.linspace(30, 220, width)[None, :]
    down = np.linspace(200, 40, height)[:, None]
    image = np.zeros((height, width, 3))
    image[..., 0] = across
    image[..., 1] = down
    image[..., 2] = 90
    image[: height // 2, : width // 3] = (40, 60, 220)
    image[height // 2 :, 2 * width // 3 :] = (180, 190, 60)
    return image.round().astype(np.uint8)


def grey_chart() -> NDArray[np.uint8]:
    """Return the chart's green, as three equal channels."""
    return np.repeat(chart()[..., 1:2], 3, axis=2)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A format with a file of it.

    `make` writes the file to a path without its suffix, and returns its path. It reads as `truth`
    within `tolerance`, the mean difference of the values; `note` is part of what is reported
    beside. A format with `refusal`, a part of the error's sentence, is not read.
    """

    name: str
    make: Callable[[Path], Path]
    truth: Callable[[], NDArray[np.uint8]] = field(default=chart)
    tolerance: float = 0.0
    note: str = ''
    refusal: str = ''

    def row(self) -> str:
        """Return the row of the page."""
        if self.refusal:
            return f'| {self.name} | refused: “{self.refusal}” |'
        told = f'; reported: “{self.note}”' if self.note else ''
        return f'| {self.name} | reads right{told} |'
