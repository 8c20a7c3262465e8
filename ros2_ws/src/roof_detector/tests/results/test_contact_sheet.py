# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.results.contact_sheet import contact_sheet


def test_no_images_make_no_sheet():
    with pytest.raises(ValueError, match='no images'):
        contact_sheet([])


@pytest.mark.parametrize('count', [1, 4, 5])
def test_every_image_is_whole_on_the_sheet(count):
    colours = [(0, 0, 40 * i + 60) for i in range(count)]
    images = [(np.full((90, 160, 3), colour, np.uint8), f'frame {i}')
                for i, colour in enumerate(colours)]  # fmt: skip
    sheet = contact_sheet(images, columns=4, tile_width_px=80)
    for colour in colours:
        assert (sheet == colour).all(axis=-1).sum() == 80 * 45


def test_an_image_of_another_shape_is_fitted_into_the_same_tile():
    tall = np.full((400, 100, 3), (0, 255, 0), np.uint8)
    wide = np.full((90, 160, 3), (255, 0, 0), np.uint8)
    sheet = contact_sheet([(wide, ''), (tall, '')], tile_width_px=80)
    rows = np.flatnonzero((sheet == (0, 255, 0)).all(axis=-1).any(axis=1))
    assert len(rows) == 45
