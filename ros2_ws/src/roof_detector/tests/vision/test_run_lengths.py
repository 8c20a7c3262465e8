# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as judge

from roof_detector.vision.run_lengths import coco_run_lengths


def decoded(window, inside, size_wh):
    run_lengths = coco_run_lengths(window, inside, size_wh=size_wh)
    return judge.decode({**run_lengths, 'counts': run_lengths['counts'].encode()})


def test_an_empty_mask_is_one_run():
    nothing = np.zeros((0, 0), bool)
    assert not decoded((slice(3, 3), slice(2, 2)), nothing, (7, 5)).any()


def test_a_full_mask_covers_the_image():
    assert decoded((slice(0, 5), slice(0, 7)), np.ones((5, 7), bool), (7, 5)).all()


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_cocos_own_decoder_returns_every_mask(width, height, seed):
    rng = np.random.default_rng(seed)
    x1, x2 = sorted(rng.integers(0, width + 1, 2))
    y1, y2 = sorted(rng.integers(0, height + 1, 2))
    inside = rng.random((y2 - y1, x2 - x1)) < rng.choice([0.0, 0.3, 0.9, 1.0])
    mask = np.zeros((height, width), bool)
    window = slice(int(y1), int(y2)), slice(int(x1), int(x2))
    mask[window] = inside
    np.testing.assert_array_equal(decoded(window, inside, (width, height)), mask)
