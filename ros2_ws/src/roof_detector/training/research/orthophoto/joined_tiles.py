# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Join GeoTIFF tiles and their outlines: `python -m training.research.orthophoto.joined_tiles`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image as PillowImage
from pyproj import Transformer

from training.dataset.error import DatasetError
from training.dataset.tiling import clip_polygon

if TYPE_CHECKING:
    from training.dataset.instance import Floats
    from training.research.orthophoto.roof_paint import Image

_PIXEL_SCALE, _TIE_POINT = 33550, 33922  # GeoTIFF 1.1, annex on tags
_LEAST_SEEN = 0.7  # of a column that is no edge of the survey
_SEAM_PX = 4  # parts of a roof that are nearer across a seam are one roof


@dataclass(frozen=True, eq=False)
class Tile:
    """A tile (height, width, 3) BGR, outlines in its pixels, and its north-west corner."""

    image_bgr: Image
    outlines: list[Floats]
    corner_xy: tuple[float, float]
    pixel_wh: tuple[float, float]

    @classmethod
    def read(cls, path: Path) -> Tile:
        """Read a GeoTIFF, and the YOLO polygons beside its folder, in labels/ for images/."""
        with PillowImage.open(path) as opened:
            tags = opened.tag_v2
            scale, tie = tags.get(_PIXEL_SCALE), tags.get(_TIE_POINT)
            image_bgr = np.asarray(opened.convert('RGB'))[..., ::-1].copy()
        if scale is None or tie is None or any(tie[:2]):
            msg = f'{path} does not state where its first pixel lies; give GeoTIFF tiles.'
            raise DatasetError(msg)
        size_wh = (image_bgr.shape[1], image_bgr.shape[0])
        labels = path.parent.parent / 'labels' / f'{path.stem}.txt'
        rows = labels.read_text().splitlines() if labels.exists() else []
        outlines = [
            np.array(row.split()[1:], dtype=np.float64).reshape(-1, 2) * size_wh
            for row in rows
            if len(row.split()) >= 7
        ]
        return cls(image_bgr, outlines, (tie[3], tie[4]), (scale[0], scale[1]))

    def mirrored(self) -> Tile:
        """Return it with left and right exchanged."""
        width = self.image_bgr.shape[1]
        turned = [outline * (-1, 1) + (width, 0) for outline in self.outlines]
        return Tile(self.image_bgr[:, ::-1].copy(), turned, self.corner_xy, self.pixel_wh)


def join(tiles: list[Tile]) -> tuple[Image, list[Floats]]:
    """Return one image of a grid of equal tiles, and whole outlines.

    Where the grid lacks a tile, one beside it is shown mirrored, with its outlines. A roof that
    seams cut is one outline again.
    """
    size_wh = np.array(tiles[0].image_bgr.shape[1::-1])
    corners = np.array([tile.corner_xy for tile in tiles])
    origin = np.array([corners[:, 0].min(), corners[:, 1].max()])
    step = size_wh * tiles[0].pixel_wh
    cells = [tuple(cell) for cell in np.round((corners - origin) * (1, -1) / step).astype(int)]
    grid = dict(zip(cells, tiles, strict=True))
    columns, rows = np.max(cells, axis=0) + 1
    joined = np.zeros((rows * size_wh[1], columns * size_wh[0], 3), np.uint8)
    pieces: list[Floats] = []
    for column, row in np.ndindex(columns, rows):
        sides = (grid.get((column + side, row)) for side in (-1, 1))
        beside = next((tile.mirrored() for tile in sides if tile), None)
        tile = grid.get((column, row)) or beside
        if tile:
            place = np.array((column, row)) * size_wh
            left, top = place
            joined[top : top + size_wh[1], left : left + size_wh[0]] = tile.image_bgr
            pieces.extend(outline + place for outline in tile.outlines)
    return joined, _whole(pieces, joined)


def trimmed(image_bgr: Image, outlines: list[Floats]) -> tuple[Image, list[Floats]]:
    """Return both without the black columns and rows at the right and lower edge."""
    seen = image_bgr.any(axis=2)
    width = int(np.flatnonzero(seen.mean(axis=0) > _LEAST_SEEN)[-1]) + 1
    height = int(np.flatnonzero(seen.mean(axis=1) > _LEAST_SEEN)[-1]) + 1
    parts = [clip_polygon(outline, (0, 0, width, height)) for outline in outlines]
    return image_bgr[:height, :width], [part for part in parts if len(part) >= 3]


def _whole(pieces: list[Floats], joined: Image) -> list[Floats]:
    """Return the outlines of pieces, those that nearly touch each other across a seam as one."""
    cover = np.zeros(joined.shape[:2], np.uint8)
    for piece in pieces:
        cv2.fillPoly(cover, [np.round(piece).astype(np.int32)], (1,))
    closed = cv2.morphologyEx(cover, cv2.MORPH_CLOSE, np.ones((_SEAM_PX, _SEAM_PX), np.uint8))
    found, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    simple = [cv2.approxPolyDP(contour, 1.0, closed=True)[:, 0] for contour in found]
    return [outline.astype(np.float64) for outline in simple if len(outline) >= 3]


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, join and write; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='python -m training.research.orthophoto.joined_tiles',
        description='Join GeoTIFF tiles with YOLO polygons into one orthophoto, as '
        'training.research.orthophoto reads it: orthophoto.png, outlines.geojson, bounds.json.',
    )
    parser.add_argument('tiles', type=Path, help='folder of .tif files, its labels beside it')
    parser.add_argument('--output', type=Path, required=True, help='folder')
    parser.add_argument('--metres-per-pixel', type=float, required=True, help='of what is written')
    parser.add_argument('--epsg', type=int, required=True, help="the tiles' projection, in metres")
    parser.add_argument(
        '--leave-out',
        type=float,
        nargs=2,
        action='append',
        default=[],
        metavar=('X', 'Y'),
        help='pixel of what is written: an outline around it is no roof; may be repeated',
    )
    given = parser.parse_args(arguments)
    try:
        paths = sorted(given.tiles.glob('*.tif'))
        if not paths:
            msg = f'{given.tiles} holds no .tif file; give the folder of the tiles.'
            raise DatasetError(msg)
        tiles = [Tile.read(path) for path in paths]
        image_bgr, outlines = trimmed(*join(tiles))
        pixel_m = float(np.mean(tiles[0].pixel_wh))
        size_wh = tuple(
            round(side * pixel_m / given.metres_per_pixel) for side in image_bgr.shape[1::-1]
        )
        corners = np.array([tile.corner_xy for tile in tiles])
        corner = np.array([corners[:, 0].min(), corners[:, 1].max()])
        reach = np.array(image_bgr.shape[1::-1]) * tiles[0].pixel_wh
        bounds = _bounds(corner, reach, given.epsg)
        given.output.mkdir(parents=True)
        small = cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA)
        _, packed = cv2.imencode('.png', small)
        (given.output / 'orthophoto.png').write_bytes(packed.tobytes())
        shares = [
            outline / image_bgr.shape[1::-1]
            for outline in outlines
            if not _holds_any(outline * (pixel_m / given.metres_per_pixel), given.leave_out)
        ]
        (given.output / 'outlines.geojson').write_text(json.dumps(_geojson(shares, bounds)))
        (given.output / 'bounds.json').write_text(json.dumps(bounds))
    except (DatasetError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _holds_any(outline: Floats, points_xy: list[list[float]]) -> bool:
    ring = outline.astype(np.float32)
    return any(cv2.pointPolygonTest(ring, (x, y), measureDist=False) > 0 for x, y in points_xy)


def _bounds(corner_xy: Floats, reach_m: Floats, epsg: int) -> dict[str, float]:
    """Return the edges in degrees; that grid north is not north is left out of account."""
    to_degrees = Transformer.from_crs(f'EPSG:{epsg}', 'EPSG:4326', always_xy=True)
    west, north = to_degrees.transform(*corner_xy)
    east, south = to_degrees.transform(corner_xy[0] + reach_m[0], corner_xy[1] - reach_m[1])
    return {'north': north, 'west': west, 'south': south, 'east': east}


def _geojson(shares: list[Floats], bounds: dict[str, float]) -> dict[str, object]:
    """Return outlines, given in shares of the image, as read_outlines finds them again."""
    to_mercator = Transformer.from_crs('EPSG:4326', 'EPSG:3857', always_xy=True)
    first = np.array(to_mercator.transform(bounds['west'], bounds['north']))
    last = np.array(to_mercator.transform(bounds['east'], bounds['south']))
    features = []
    for share in shares:
        x, y = (first + share * (last - first)).T
        ring = np.stack(to_mercator.transform(x, y, direction='INVERSE'), axis=1).tolist()
        geometry = {'type': 'Polygon', 'coordinates': [[*ring, ring[0]]]}
        features.append({'type': 'Feature', 'properties': {}, 'geometry': geometry})
    return {'type': 'FeatureCollection', 'features': features}


if __name__ == '__main__':
    sys.exit(main())
