# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Data cards of recorded flights, and alarms where camera or model change."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from flown_inspection import fly_and_inspect

from roof_detector.cli.exit_code import exit_code_of
from roof_detector.cli.main import make_parser
from roof_detector.history.data_card import ClassCard
from roof_detector.history.data_card_report import drift_report
from roof_detector.history.drift import DriftLimits, drift_alarms
from roof_detector.history.errors import HistoryError
from roof_detector.history.image_quality import ImageQuality


@pytest.fixture(scope='module')
def years(tmp_path_factory):
    """Return inspections of one roof: two good flights, a blurred one, a silent one."""
    folder = tmp_path_factory.mktemp('years')
    fly_and_inspect(folder, name='2025-03-01')
    fly_and_inspect(folder, name='2025-09-01')
    fly_and_inspect(folder, name='2026-03-01', soften=4)
    fly_and_inspect(folder, name='2026-09-01', confidence=0.999)
    return folder


def run(*words):
    return exit_code_of(make_parser(training=()).parse_args(['drift', *map(str, words)]))


def test_a_blurred_camera_and_a_silent_model_are_alarms_of_their_flights(years, tmp_path, capsys):
    assert run(years, '--output', tmp_path) == 4
    values = json.loads((tmp_path / 'drift.json').read_text())
    assert [one['date'] for one in values['flights']] == [
        *('2025-03-01', '2025-09-01', '2026-03-01', '2026-09-01'),
    ]
    assert len({one['site'] for one in values['flights']}) == 1
    kinds = {(one['kind'], one['date']) for one in values['alarms']}
    assert ('blurred', '2026-03-01') in kinds
    assert ('silent', '2026-09-01') in kinds
    assert not {date for _, date in kinds} & {'2025-03-01', '2025-09-01'}
    assert ('blurred', '2026-09-01') not in kinds
    assert 'SILENT' in capsys.readouterr().out
    page = (tmp_path / 'drift.html').read_text()
    assert 'clean the lens' in page


def test_good_flights_raise_no_alarm_and_missing_recordings_are_named(years, tmp_path):
    good = [
        shutil.copytree(years / name, tmp_path / name) for name in ('2025-03-01', '2025-09-01')
    ]
    assert run(*good, '--output', tmp_path / 'out') == 0
    shutil.rmtree(good[1] / 'detections')
    assert run(*good, tmp_path / 'absent', '--output', tmp_path / 'out') == 3
    values = json.loads((tmp_path / 'out' / 'drift.json').read_text())
    lost = '\n'.join(values['lost'])
    assert '2025-09-01: The results of 2025-09-01 are no longer in' in lost
    assert 'absent does not exist' in lost
    assert values['flights'][1]['quality'] is None
    assert values['flights'][1]['detections'] > 0
    assert run(tmp_path / 'absent', '--output', tmp_path / 'out') == 1


@pytest.fixture(scope='module')
def card(years):
    report = drift_report([years / '2025-03-01'], limits=DriftLimits(), samples=12)
    assert report.alarms == []
    return report.cards[0]


def kinds(*cards):
    return [(one.kind, one.date) for one in drift_alarms(cards, DriftLimits())]


def later(card, **changes):
    return replace(card, date='2027-01-01', **changes)


def with_rate(card, detections, confidence=0.8):
    of_class = ClassCard(
        detections=detections,
        per_frame=detections / card.frames,
        mean_confidence=confidence,
        low_confidence=confidence,
    )
    return replace(card, detections=detections, classes={'equip': of_class})


@pytest.mark.parametrize(
    ('quality', 'kind'),
    [
        ({'brightness': 12.0}, 'exposure'),
        ({'brightness': 240.0}, 'exposure'),
        ({'clipped': 0.5}, 'exposure'),
        ({'contrast': 5.0}, 'contrast'),
        ({'sharpness': 0.3}, 'blurred'),
    ],
)
def test_each_number_of_an_image_has_its_alarm(card, quality, kind):
    now = later(card, quality=replace(card.quality, **quality))
    assert kinds(card, now) == [(kind, '2027-01-01')]


def test_what_was_found_is_held_against_the_flights_before_of_the_site(card):
    usual = with_rate(replace(card, frames=1000), 400)
    assert kinds(usual, later(with_rate(usual, 390))) == []
    assert kinds(usual, later(with_rate(usual, 40))) == [('silent', '2027-01-01')]
    assert kinds(usual, later(with_rate(usual, 2400))) == [('flood', '2027-01-01')]
    assert kinds(usual, later(with_rate(usual, 400, confidence=0.5))) == [
        ('confidence', '2027-01-01')
    ]
    other_class = replace(usual, classes={'rust': usual.classes['equip']})
    assert kinds(usual, later(other_class)) == [('class rate', '2027-01-01')] * 2
    assert kinds(usual, later(with_rate(usual, 40), site='elsewhere')) == []


def test_a_model_that_falls_silent_in_flight_is_an_alarm_of_that_flight_alone(card):
    silent = replace(with_rate(card, 60), frames=100, silent_from=70, silent_frames=30)
    assert kinds(silent) == [('silent in flight', card.date)]
    assert kinds(replace(silent, silent_from=97, silent_frames=3)) == []


def test_a_camera_that_is_blurred_in_flight_is_an_alarm(card):
    sharp, soft = card.quality, replace(card.quality, sharpness=0.4)
    series = tuple((k, sharp if k < 6 else soft) for k in range(12))
    assert ('blurred in flight', card.date) in kinds(replace(card, measured=series))
    assert kinds(replace(card, measured=series[:6])) == []


def test_the_quality_of_images_is_that_of_their_pixels():
    assert ImageQuality.median([]) is None
    noise = np.random.default_rng(1).integers(40, 200, (300, 400), dtype=np.uint8)
    sharp = cv2.cvtColor(noise, cv2.COLOR_GRAY2BGR)
    soft = cv2.GaussianBlur(sharp, (0, 0), 4)
    dark, flat = (sharp // 64), np.full_like(sharp, 255)
    assert ImageQuality.of(soft).sharpness < 0.7 * ImageQuality.of(sharp).sharpness
    assert ImageQuality.of(sharp).brightness == pytest.approx(120, abs=3)
    assert ImageQuality.of(dark).clipped == 1.0
    assert ImageQuality.of(flat).contrast == 0.0
    both = ImageQuality.median([ImageQuality.of(flat), ImageQuality.of(sharp)])
    assert both.sharpness == ImageQuality.of(sharp).sharpness


def test_what_means_nothing_is_refused(years):
    with pytest.raises(HistoryError, match='between 0 and 1'):
        DriftLimits(silence=2.0)
    with pytest.raises(HistoryError, match='above 1'):
        DriftLimits(flood=0.5)
    with pytest.raises(HistoryError, match='give 1 or more'):
        drift_report([years], limits=DriftLimits(), samples=0)
