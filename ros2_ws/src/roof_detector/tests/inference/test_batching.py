# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest

from roof_detector.inference.batching import BatchTiming, time_batch
from roof_detector.inference.detector import Detector


@pytest.mark.parametrize(
    ('count', 'batch_s', 'pays'),
    [(1, 1.0, False), (2, 1.4, True), (2, 1.5, False), (4, 2.4, True), (4, 2.6, False)],
)
def test_a_batch_pays_when_it_is_ready_before_its_pictures_would_be_on_average(
    count, batch_s, pays
):
    assert BatchTiming(count=count, single_s=1.0, batch_s=batch_s).pays is pays


def test_batches_are_timed_on_the_model_itself(detect_pt):
    with Detector.open(detect_pt, device='cpu') as detector:
        timing = time_batch(detector, 2, source_wh=(320, 180))
    assert timing.count == 2
    assert 0 < timing.single_s < timing.batch_s
