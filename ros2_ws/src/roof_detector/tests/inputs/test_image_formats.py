# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Image formats of docs/reference/formats.md read right, or are refused with the true reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from generation.image_samples import IMAGE_GROUPS, PHOTOS
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_decoding import decode_file, image_bytes

SAMPLES = [sample for group in IMAGE_GROUPS.values() for sample in group]


def test_no_two_formats_have_one_name():
    names = [sample.name for sample in SAMPLES]
    assert len(names) == len(set(names)) > 50


@pytest.mark.parametrize('sample', SAMPLES, ids=lambda sample: sample.name)
def test_an_image_reads_right_or_is_refused_with_the_true_reason(sample, tmp_path):
    path = sample.make(tmp_path / 'sample')
    if sample.refusal:
        with pytest.raises(InputError) as caught:
            decode_file(image_bytes(path), path)
        assert sample.refusal in str(caught.value) and str(path) in str(caught.value)
        return
    decoded = decode_file(image_bytes(path), path)
    truth = sample.truth()
    assert decoded.image_bgr.shape == truth.shape and decoded.image_bgr.dtype == np.uint8
    difference = np.abs(decoded.image_bgr.astype(int) - truth.astype(int)).mean()
    assert difference <= sample.tolerance
    notes = '; '.join(decoded.notes)
    assert sample.note in notes if sample.note else not notes


def test_a_chart_in_other_colours_or_turned_is_told_apart():
    truth = PHOTOS[0].truth().astype(int)
    for other in (truth[..., ::-1], truth[::-1], truth[:, ::-1], truth[::-1, ::-1]):
        assert np.abs(truth - other).mean() > 20


def test_damage_anywhere_is_an_image_or_a_sentence(tmp_path):
    random = np.random.default_rng(20)
    whole = [sample.make(tmp_path / 'sample').read_bytes() for sample in SAMPLES]
    for data in filter(None, whole):
        damaged = bytearray(data)
        for _ in range(random.integers(1, 8)):
            place = random.integers(min(len(damaged), random.choice([64, 1 << 20])))
            damaged[place] = random.choice([0, 127, 255, random.integers(256)])
        try:
            decode_file(bytes(damaged), tmp_path / 'damaged')
        except InputError as error:
            assert str(tmp_path / 'damaged') in str(error)


def test_a_big_tiff_whose_directory_lies_nowhere_is_refused():
    data = b'II+\0\x08\0\0\0' + b'\xff' * 8 + bytes(64)
    with pytest.raises(InputError, match='is cut short: its directory of tags is missing'):
        decode_file(data, Path('big.tif'))
