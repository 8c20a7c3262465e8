# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Masks of objects that were detected in pieces, or in different views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roof_detector.vision.masks import Index, Masks, pixel_window


@dataclass(frozen=True, eq=False)
class JoinedMasks(Masks):
    """The masks of instances that are joined from several views of one image.

    `pieces` holds for each instance the masks, one in each view, that make it up; they lie within
    its box, `boxes_xyxy` (n, 4) float32 in pixels of the image.
    """

    pieces: tuple[tuple[Masks, ...], ...]
    boxes_xyxy: npt.NDArray[np.float32]
    image_wh: tuple[int, int]

    @property
    def source_wh(self) -> tuple[int, int]:
        """Return the image's width and height."""
        return self.image_wh

    def __getitem__(self, index: Index) -> JoinedMasks:
        chosen = np.arange(len(self))[index]
        pieces = tuple(self.pieces[i] for i in chosen)
        return JoinedMasks(pieces, self.boxes_xyxy[index], self.image_wh)

    def window(
        self, position: int, *, size_wh: tuple[int, int] | None = None
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]]:
        """Return the rows and columns of one instance's box, and its mask within them."""
        size_wh = size_wh or self.image_wh
        rows, columns = pixel_window(
            self.boxes_xyxy[position], source_wh=self.image_wh, size_wh=size_wh
        )
        inside = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
        for piece in self.pieces[position]:
            (own_rows, own_columns), part = piece.window(0, size_wh=size_wh)
            y, x = own_rows.start - rows.start, own_columns.start - columns.start
            inside[y : y + part.shape[0], x : x + part.shape[1]] |= part
        return (rows, columns), inside
