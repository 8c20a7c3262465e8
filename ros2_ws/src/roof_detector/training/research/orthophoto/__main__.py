# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Make a set of roofs: `python -m training.research.orthophoto IMAGE --outlines F ...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from training.dataset.error import DatasetError
from training.research.orthophoto.outlines import Bounds, read_outlines
from training.research.orthophoto.roof_set import RoofSetConfig, write_roof_set
from training.research.orthophoto.settlement import Settlement


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and write the set; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='python -m training.research.orthophoto', description=__doc__
    )
    parser.add_argument(
        'image', metavar='IMAGE', type=Path, help='orthophoto in web Mercator, north up'
    )
    parser.add_argument('--outlines', type=Path, required=True, help='GeoJSON polygons, WGS 84')
    parser.add_argument(
        '--bounds',
        type=Path,
        required=True,
        help='JSON file with north, west, south and east of the image in degrees',
    )
    parser.add_argument('--output', type=Path, required=True, help='folder of the set')
    parser.add_argument('--windows', type=int, default=RoofSetConfig.windows)
    parser.add_argument('--settlements', type=int, default=RoofSetConfig.settlements)
    parser.add_argument(
        '--val-from-x',
        type=float,
        default=RoofSetConfig.val_from_x,
        help='share of the width: west of it trains, east of it validates; 1 trains on all',
    )
    parser.add_argument(
        '--plain-share',
        type=float,
        default=RoofSetConfig.plain_share,
        help='share of the settlements that are left as they are',
    )
    parser.add_argument(
        '--grey-share',
        type=float,
        default=RoofSetConfig.grey_share,
        help='share of the roofs of the other settlements that are made grey: flat concrete, '
        'bitumen, gravel, weathered sheets; none by default',
    )
    parser.add_argument(
        '--roofs-of',
        type=Path,
        nargs=3,
        action='append',
        default=[],
        metavar=('IMAGE', 'OUTLINES', 'BOUNDS'),
        help='another place, at the same scale, whose roofs are built in too; may be repeated',
    )
    parser.add_argument('--size', type=int, default=RoofSetConfig.size_px)
    parser.add_argument('--seed', type=int, default=RoofSetConfig.seed)
    parser.add_argument('--overwrite', action='store_true')
    given = parser.parse_args(arguments)
    try:
        config = RoofSetConfig(
            windows=given.windows,
            settlements=given.settlements,
            val_from_x=given.val_from_x,
            size_px=given.size,
            plain_share=given.plain_share,
            grey_share=given.grey_share,
            seed=given.seed,
        )
        write_roof_set(
            _read_place(given.image, given.outlines, given.bounds),
            given.output,
            config,
            others=[_read_place(*files) for files in given.roofs_of],
            overwrite=given.overwrite,
        )
    except (DatasetError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _read_place(image: Path, outlines: Path, bounds: Path) -> Settlement:
    image_bgr = cv2.imdecode(np.fromfile(image, dtype=np.uint8), cv2.IMREAD_COLOR)
    if image_bgr is None:
        msg = f'{image} cannot be decoded; give a PNG, JPEG or TIFF.'
        raise DatasetError(msg)
    size_wh = (image_bgr.shape[1], image_bgr.shape[0])
    return Settlement(
        image_bgr.astype(np.uint8, copy=False),
        read_outlines(outlines, Bounds.read(bounds), size_wh),
    )


if __name__ == '__main__':
    sys.exit(main())
