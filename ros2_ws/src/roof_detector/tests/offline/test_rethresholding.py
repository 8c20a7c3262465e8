# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import csv

import pytest

from roof_detector.offline.errors import ReplayError
from roof_detector.offline.outcome import exit_code
from roof_detector.offline.rethresholding import Rethresholding
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.errors import BadThreshold
from roof_detector.vision.thresholds import Thresholds


def again(bag, output, *, formats=(), overwrite=False, **thresholds):
    settings = DetectSettings(Thresholds(**thresholds), OutputSettings(formats=formats))
    return Rethresholding(bag, output, settings=settings).run(overwrite=overwrite, progress='none')


def bag_bytes(folder):
    return [(folder / 'bag' / name).read_bytes() for name in ('bag_0.mcap', 'metadata.yaml')]


@pytest.mark.parametrize(
    'thresholds',
    [
        {'confidence': 0.3},
        {'confidence': 0.9999},
        {'confidence': 0.6, 'iou': 0.05},
        {'confidence': 0.7, 'class_confidence': (('crack', 0.35),)},
    ],
    ids=lambda thresholds: ' '.join(map(str, thresholds.values())),
)
def test_other_thresholds_give_the_bytes_that_a_detection_with_them_gives(
    flights, detect, tmp_path, thresholds
):
    bag = flights.write(tmp_path / 'flight', range(8))
    options = {'keep_candidates': 0.3, 'copy_topics': ('*',)}
    (kept,) = detect(bag, confidence=0.5, **options)
    (direct,) = detect(bag, output='direct', formats=('csv', 'json'), **options, **thresholds)
    outcome = again(kept.output, tmp_path / 're', formats=('csv', 'json'), **thresholds)
    assert bag_bytes(outcome.output) == bag_bytes(direct.output)
    assert outcome.detections == direct.detections and outcome.frames == 8
    left, right = (
        [
            row | {'inference_ms': ''}
            for row in csv.DictReader((o.output / 'detections.csv').open())
        ]
        for o in (outcome, direct)
    )
    assert left == right  # but for the inference, which is timed anew in each detection
    if thresholds['confidence'] < 0.9:
        assert len(left) >= 8


def test_candidates_of_a_rethresholded_bag_serve_again(flights, detect, tmp_path):
    (kept,) = detect(flights.write(tmp_path / 'flight'), keep_candidates=0.3)
    strict = again(kept.output, tmp_path / 'strict', confidence=0.9)
    back = again(strict.output / 'bag', tmp_path / 'back', confidence=0.5)
    assert strict.detections != back.detections == kept.detections
    assert exit_code([strict, back]) == 0
    assert bag_bytes(back.output) == bag_bytes(kept.output)


def test_frames_of_which_only_the_most_certain_were_kept_are_counted(flights, detect, tmp_path):
    bag = flights.write(tmp_path / 'flight', range(3))
    (whole,) = detect(bag, confidence=0.3, keep_candidates=0.3)
    assert not any('--max-detections' in note for note in whole.notes)
    (capped,) = detect(bag, confidence=0.3, max_detections=2, output='capped')
    assert sum(capped.detections.values()) == 6 < sum(whole.detections.values())
    note = '3 of 3 frames have 2 detections or more, and only the 2 most certain of each were kept'
    assert any(note in one for one in capped.notes)
    outcome = again(whole.output, tmp_path / 're', confidence=0.3, max_detections=2)
    assert any(note in one for one in outcome.notes)


def test_a_threshold_below_the_floor_is_refused_with_the_way_out(flights, detect, tmp_path):
    (kept,) = detect(flights.write(tmp_path / 'flight', range(1)), keep_candidates=0.3)
    sentence = r'keeps candidates down to 0\.3 only.*Use 0\.3 or more, or detect again'
    with pytest.raises(ReplayError, match=sentence):
        again(kept.output, tmp_path / 're', confidence=0.25)
    with pytest.raises(ReplayError, match=sentence):
        again(kept.output, tmp_path / 're', class_confidence=(('drain', 0.1),), confidence=0.5)
    with pytest.raises(BadThreshold, match="no class 'vent'"):
        again(kept.output, tmp_path / 're', classes=('vent',), confidence=0.5)
    assert not (tmp_path / 're').exists()


def test_a_floor_above_the_detections_own_thresholds_is_refused():
    with pytest.raises(ReplayError, match=r'Keep candidates down to 0\.25 or lower'):
        DetectSettings(Thresholds(), OutputSettings(keep_candidates=0.3))


def test_a_bag_without_candidates_is_refused_with_the_option_to_keep_them(
    flights, detect, tmp_path
):
    (plain,) = detect(flights.write(tmp_path / 'flight', range(1)))
    with pytest.raises(ReplayError, match=r'Detect again with --keep-candidates 0\.05'):
        again(plain.output, tmp_path / 're', confidence=0.5)


def test_results_that_exist_stay(flights, detect, tmp_path):
    (kept,) = detect(flights.write(tmp_path / 'flight', range(1)), keep_candidates=0.3)
    first = again(kept.output, tmp_path / 're', confidence=0.5)
    before = bag_bytes(first.output)
    with pytest.raises(ReplayError, match='exists already and is not overwritten'):
        again(kept.output, tmp_path / 're', confidence=0.9)
    assert bag_bytes(first.output) == before
    again(kept.output, tmp_path / 're', confidence=0.9, overwrite=True)
    assert bag_bytes(first.output) != before
