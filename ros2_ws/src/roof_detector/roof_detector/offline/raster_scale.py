# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The scale at which an orthophoto is shown to a network, and the tiles that it is cut into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.georeference.errors import GeoError
from roof_detector.inputs.raster_tile import RasterTile
from roof_detector.offline.errors import ReplayError
from roof_detector.vision.tiles import TileGrid

if TYPE_CHECKING:
    from roof_detector.inputs.raster_file import RasterFile

# A pixel of the network may stand for so many of the raster, and one of the raster for so many of
# the network: beyond, the raster is not of what the model was trained on, or its place is wrong.
_MOST_REDUCED, _MOST_ENLARGED = 64.0, 4.0
# Pixels whose sides differ by less are square: every pixel is then shown as it is.
_SQUARE = 1.02


@dataclass(frozen=True)
class RasterScale:
    """The pixels of a raster that one pixel of the network stands for, along rows and columns.

    `notes` says what was chosen and why. `limit` is set where small objects cannot be found: it
    names what can. `seen_m` are the metres per pixel that the network sees, None where they are
    not known: enlarging a coarse raster shows it nothing finer.
    """

    pixels_xy: tuple[float, float]
    notes: tuple[str, ...] = ()
    limit: str = ''
    seen_m: float | None = None

    @classmethod
    def choose(cls, raster: RasterFile, trained_m: tuple[float, float] | None) -> RasterScale:
        """Choose the scale; `trained_m` are the metres per pixel that the model was trained at.

        A raster within that range is shown as it is, a finer one is reduced to its lower end, and
        a coarser one enlarged to its upper end. Raises ReplayError where that is impossible.
        """
        place = raster.georeference
        if place is None:
            return cls(
                (1.0, 1.0),
                (
                    f'The ground resolution of {raster.path.name} is not known '
                    f'({raster.why_unplaced.rstrip(".")}): every pixel is shown as it is.',
                ),
            )
        width, height = raster.size_wh
        try:
            across_m, down_m = place.metres_per_pixel((width / 2, height / 2))
        except GeoError as error:
            raise ReplayError(str(error)) from error
        own_m = (across_m * down_m) ** 0.5
        shown_m = own_m
        if trained_m is not None:
            shown_m = min(max(own_m, trained_m[0]), trained_m[1])
            _check(raster, own_m=own_m, shown_m=shown_m)
        pixels = shown_m / across_m, shown_m / down_m
        is_square = max(across_m, down_m) <= _SQUARE * min(across_m, down_m)
        if shown_m == own_m and is_square:
            pixels = (1.0, 1.0)
        return cls(
            pixels,
            *_notes(raster.path.name, own_m, shown_m, trained_m),
            seen_m=max(own_m, shown_m),
        )

    def tiles(
        self, raster: RasterFile, *, input_wh: tuple[int, int], overlap: float
    ) -> tuple[RasterTile, ...]:
        """Return the overlapping tiles of a raster, row by row, for a network of this input."""
        window_wh = tuple(
            max(round(side * pixels), 1)
            for side, pixels in zip(input_wh, self.pixels_xy, strict=True)
        )
        grid = TileGrid.fit(raster.size_wh, tile_wh=(window_wh[0], window_wh[1]), overlap=overlap)
        width, height = grid.tile_wh
        out_wh = (
            max(round(width / self.pixels_xy[0]), 1),
            max(round(height / self.pixels_xy[1]), 1),
        )
        corners = grid.corners_xy or ((0, 0),)
        return tuple(RasterTile(raster, (x, y, width, height), out_wh) for x, y in corners)


def _check(raster: RasterFile, *, own_m: float, shown_m: float) -> None:
    if not 1 / _MOST_ENLARGED <= shown_m / own_m <= _MOST_REDUCED:
        msg = (
            f'{raster.path.name} shows {own_m:.3g} m per pixel and the model was trained at '
            f'{shown_m:.3g}; it is reduced at most {_MOST_REDUCED:g} and enlarged at most '
            f'{_MOST_ENLARGED:g} times, because nothing of its classes could be recognised. Use '
            'another model or raster, or set --metres-per-pixel.'
        )
        raise ReplayError(msg)


def _notes(
    name: str, own_m: float, shown_m: float, trained_m: tuple[float, float] | None
) -> tuple[tuple[str, ...], str]:
    """Return the sentences on a scale, and what limits it."""
    if trained_m is None:
        return (
            f'The model does not state at which metres per pixel it was trained: {name} is '
            f'shown as it is, {own_m:.3g} m per pixel. Give it with --metres-per-pixel.',
        ), ''
    trained = f'{trained_m[0]:g} to {trained_m[1]:g}'
    if own_m > trained_m[1]:
        return (
            f'{name} shows {own_m:.3g} m per pixel, coarser than the {trained} that the model '
            f'was trained at: it was enlarged to {shown_m:.3g}, and small objects may not be '
            'recognisable in it.',
        ), f'that can be recognised at {own_m:.3g} m per pixel'
    if own_m < trained_m[0]:
        return (
            f'{name} was reduced from {own_m:.3g} to {shown_m:.3g} m per pixel: the model was '
            f'trained at {trained}.',
        ), ''
    return (), ''
