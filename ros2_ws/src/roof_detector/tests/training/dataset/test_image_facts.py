# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Training and the detector read images alike: their size, orientation and pixels."""

from __future__ import annotations

import pytest
from PIL import Image

from roof_detector.inputs.image_decoding import read_image
from training.dataset.image_facts import facts_of


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.tif', '.webp', '.heic', '.avif'])
@pytest.mark.parametrize('orientation', [1, 6])
def test_the_size_of_an_image_is_that_of_what_the_detector_sees(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f'image{suffix}'
    Image.new('RGB', (96, 64), (90, 120, 30)).save(path, exif=exif)
    facts = facts_of(path)
    height, width = read_image(path).shape[:2]
    assert facts.problem == ''
    assert facts.size_wh == (width, height)
    assert abs(int(facts.thumbnail.mean()) - 101) <= 3


def test_an_image_that_the_detector_refuses_is_none_for_training(tmp_path):
    path = tmp_path / 'cut.webp'
    Image.effect_noise((96, 64), 60).convert('RGB').save(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert 'cut short' in facts_of(path).problem
