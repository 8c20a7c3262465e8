# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from roof_detector.cli.main import main
from roof_detector.offline.comparison import compare
from roof_detector.offline.comparison_images import side_by_side_images
from roof_detector.offline.comparison_report import as_table, total
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.result_bag import ResultBag


def compared(a, b, **options):
    with ResultBag(a.output) as one, ResultBag(b.output) as other:
        return compare(one, other, **options)


def test_a_run_agrees_with_itself(flights, detect, tmp_path):
    (run,) = detect(flights.write(tmp_path / 'flight', range(4)))
    comparison = compared(run, run)
    assert comparison.compared == comparison.alike == 4
    assert comparison.differences == [] and comparison.warnings() == []
    everything = total(comparison)
    assert everything.both == sum(run.detections.values()) > 0
    assert (everything.only_a, everything.only_b, everything.mean_iou) == (0, 0, 1.0)


def test_a_higher_threshold_finds_nothing_alone_and_every_box_is_counted(
    flights, detect, tmp_path
):
    bag = flights.write(tmp_path / 'flight', range(8))
    low, high = detect(bag, confidence=0.5)[0], detect(bag, output='high', confidence=0.8)[0]
    comparison = compared(low, high, worst=3)
    everything = total(comparison)
    assert everything.only_b == 0 and everything.mean_confidence_gain == 0
    assert everything.both == sum(high.detections.values())
    assert everything.both + everything.only_a == sum(low.detections.values())
    ranked = [one.agreement.disagreement for one in comparison.differences]
    assert len(ranked) == 3 and ranked == sorted(ranked, reverse=True)
    mirrored = total(compared(high, low))
    assert (mirrored.only_a, mirrored.only_b) == (0, everything.only_a)


def test_another_model_differs_both_ways_and_the_table_counts_by_class(
    flights, detect, other_detector, tmp_path
):
    bag = flights.write(tmp_path / 'flight')
    (a,) = detect(bag)
    (b,) = detect(bag, output='other', detector=other_detector)
    comparison = compared(a, b)
    assert total(comparison).only_a > 0 and total(comparison).only_b > 0
    table = as_table(comparison, min_iou=0.5).splitlines()
    assert table[0].startswith('class')
    assert [line.split()[0] for line in table[1:5]] == ['crack', 'drain', 'equip', 'all']
    assert '6 frames compared' in table[5]


def test_frames_of_only_one_run_are_reported_and_the_others_compared(flights, detect, tmp_path):
    a = detect(flights.write(tmp_path / 'flight', range(6)))[0]
    b = detect(flights.write(tmp_path / 'part/flight', range(4, 9)), output='other')[0]
    comparison = compared(a, b)
    assert (comparison.compared, comparison.only_in_a, comparison.only_in_b) == (2, 4, 3)
    assert (
        '4 are in A alone and 3 in B alone; the 2 in both were compared'
        in (comparison.warnings()[0])
    )


def test_runs_over_different_footage_are_refused(flights, detect, tmp_path):
    a = detect(flights.write(tmp_path / 'flight', range(2)))[0]
    b = detect(flights.write(tmp_path / 'other', range(5, 7)))[0]
    with pytest.raises(ReplayError, match='have no frame in common'):
        compared(a, b)
    for name, number in (('one', 1), ('two', 2)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / f'p{number}.png'), flights.image(number))
    a, b = detect(tmp_path / 'one', tmp_path / 'two')
    with pytest.raises(ReplayError, match='1 are in A alone, 1 in B alone'):
        compared(a, b)


def test_the_worst_frames_are_shown_side_by_side_with_differences_in_colour(
    flights, detect, tmp_path
):
    bag = flights.write(tmp_path / 'flight')
    low = detect(bag, confidence=0.5, annotated=True)[0]  # annotated: no place to take them from
    high = detect(bag, output='high', confidence=0.8)[0]
    with ResultBag(low.output) as a, ResultBag(high.output) as b:
        comparison = compare(a, b, worst=2)
        images, sentence = side_by_side_images(comparison, a, b, images=None)
    assert sentence == '' and len(images) == 2
    (image, difference), _ = images
    width, height = flights.SIZE_WH
    left, right = image[-height:, :width], image[-height:, -width:]
    original = flights.image(difference.a.index)
    changed_left, changed_right = (
        np.count_nonzero((half != original).any(axis=2)) for half in (left, right)
    )
    # A found more, so it has more coloured boxes; what both found is a thin line.
    assert changed_left > changed_right
    assert changed_right < 0.8 * width * height


def test_without_the_input_boxes_are_shown_on_grey_with_a_message(flights, detect, tmp_path):
    bag = flights.write(tmp_path / 'flight')
    low, high = detect(bag, confidence=0.5)[0], detect(bag, output='high', confidence=0.8)[0]
    bag.rename(tmp_path / 'moved')
    with ResultBag(low.output) as a, ResultBag(high.output) as b:
        comparison = compare(a, b, worst=1)
        _, sentence = side_by_side_images(comparison, a, b, images=None)
        assert 'Name the input with --images' in sentence
        _, sentence = side_by_side_images(comparison, a, b, images=tmp_path / 'moved')
        assert sentence == ''


def test_the_command_writes_table_object_and_images_and_overwrites_on_request(
    flights, detect, tmp_path, capsys
):
    bag = flights.write(tmp_path / 'flight', range(3))
    low, high = detect(bag, confidence=0.5)[0], detect(bag, output='high', confidence=0.8)[0]
    words = ['compare', low.output, high.output / 'bag', '--output', tmp_path / 'c']
    words = [str(word) for word in (*words, '--frames', '2')]
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 0
    assert 'only A' in capsys.readouterr().out
    content = json.loads((tmp_path / 'c/comparison.json').read_text())
    assert content['frames']['compared'] == 3 and len(content['differences']) == 2
    assert content['a']['model_sha256'] == content['b']['model_sha256']
    names = sorted(path.name for path in (tmp_path / 'c').iterdir())
    assert names[0] == 'comparison.json' and names[-1] == 'differences.png' and len(names) == 4
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 1
    assert 'is not overwritten; add --overwrite' in capsys.readouterr().err
