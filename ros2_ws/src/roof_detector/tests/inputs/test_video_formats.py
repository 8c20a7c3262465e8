# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Video formats of docs/reference/formats.md read right, or are refused with the true reason."""

from __future__ import annotations

import os

import numpy as np
import pytest

from generation.video_samples import VIDEO_GROUPS, encoded, numbered
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.video import VideoInput

SAMPLES = [sample for group in VIDEO_GROUPS.values() for sample in group]


def test_no_two_formats_have_one_name():
    names = [sample.name for sample in SAMPLES]
    assert len(names) == len(set(names)) > 40


@pytest.mark.parametrize('sample', SAMPLES, ids=lambda sample: sample.name)
def test_a_video_reads_right_or_is_refused_with_the_true_reason(sample, tmp_path):
    path = sample.make(tmp_path / 'sample')
    if sample.refusal:
        with pytest.raises(InputError) as caught:
            VideoInput(path)
        assert sample.refusal in str(caught.value) and str(path) in str(caught.value)
        return
    with VideoInput(path) as source:
        frames = list(source)
    warnings = ' '.join(source.warnings())
    assert sample.loss in warnings if sample.loss else not warnings
    images = [frame.image_bgr for frame in frames]
    assert len(images) == len(sample.frames)
    for image, number in zip(images, sample.frames, strict=True):
        size_wh = (192, 128) if image.shape[0] != 96 else (160, 96)
        truth = sample.shown(numbered(number, size_wh))
        assert image.shape == truth.shape and image.dtype == np.uint8
        assert np.abs(image.astype(int) - truth.astype(int)).mean() <= sample.tolerance
    notes = ' '.join(source.notes())
    assert sample.note in notes if sample.note else not notes
    gaps = np.diff([frame.stamp_ns for frame in frames]) / 1e9
    assert gaps == pytest.approx(0.1, abs=0.002)


def test_encoding_a_sample_leaves_the_scheduling_of_the_process_alone(tmp_path):
    before = os.sched_getscheduler(0)
    encoded('.mp4', 'libsvtav1', options={'preset': '12', 'svtav1-params': 'lp=1'})(tmp_path / 'a')
    assert os.sched_getscheduler(0) == before
