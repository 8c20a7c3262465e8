# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from statistics import median

import pytest

from roof_detector.inference.batching import BatchTiming, time_batch
from roof_detector.inference.detector import Detector


@pytest.mark.parametrize(
    ('count', 'batch_s', 'pays'),
    [(1, 1.0, False), (2, 1.4, True), (2, 1.5, False), (4, 2.4, True), (4, 2.6, False)],
)
def test_a_batch_pays_when_it_is_ready_before_its_images_would_be_on_average(count, batch_s, pays):
    assert BatchTiming(count=count, single_s=1.0, batch_s=batch_s).pays is pays


def test_batches_are_timed_on_the_model_itself_in_turn_with_single_images(detect_pt, monkeypatch):
    seen = []
    with Detector.open(detect_pt, device='cpu') as detector:
        infer = detector.infer

        def noted(*prepared):
            answers = infer(*prepared)
            seen.append((len(prepared), sum(one.forward_s for one in answers)))
            return answers

        monkeypatch.setattr(detector, 'infer', noted)
        timing = time_batch(detector, 3, source_wh=(320, 180))
    assert [count for count, _ in seen] == [3, 2, 1, 3, 1, 3, 1, 3]
    single_s = [taken_s for count, taken_s in seen[2:] if count == 1]
    batch_s = [taken_s for count, taken_s in seen[2:] if count == 3]
    assert timing == BatchTiming(3, median(single_s), median(batch_s))
