# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Recorded frames through tiles: all of them, always, so that a replay repeats."""

from __future__ import annotations

import json

import cv2
import pytest

from roof_detector.bags.finding_messages import detections_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.cli.main import main
from roof_detector.inference.tiled import infer_tiles
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.result_bag import ResultBag
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds
from roof_detector.vision.tiles import Tiling

TILING = Tiling(size=40, overlap=0.25)


def detections(bag):
    with BagReader(bag) as reader:
        return [message.data for message in reader.messages(('/detector/detections',))]


def parameters(bag):
    with ResultBag(bag) as results:
        return json.loads(results.manifest['parameters'])


def through_tiles(detector, flights, number):
    image, thresholds = flights.image(number), Thresholds(confidence=0.5)
    grid = TILING.grid(flights.SIZE_WH, input_wh=detector.image_size)
    whole = detector.detect(image, thresholds)
    found = infer_tiles(detector, image, whole, thresholds, grid=grid, positions=range(len(grid)))
    stamp_ns = flights.stamp_ns(number)
    return detections_bytes(found, names=flights.NAMES, stamp_ns=stamp_ns, frame_id='lens')


def test_inference_runs_on_all_tiles_of_every_frame_and_the_bag_records_them(
    flights, detect, detector, tmp_path
):
    bag = flights.write(tmp_path / 'flight')
    (plain,) = detect(bag, output='plain')
    (tiled,) = detect(bag, output='tiled', tiling=TILING)
    assert detections(tiled.output / 'bag') == [
        through_tiles(detector, flights, number) for number in range(6)
    ]
    assert detections(tiled.output / 'bag') != detections(plain.output / 'bag')
    said = parameters(tiled.output / 'bag')
    assert said == {
        **parameters(plain.output / 'bag'),
        'tile_size': 40,
        'tile_overlap': 0.25,
    }


def test_the_command_gives_the_same_bag_byte_by_byte(flights, detect, model_path, tmp_path):
    bag = flights.write(tmp_path / 'flight', range(3))
    (ours,) = detect(bag, output='ours', tiling=TILING)
    options = ['--model', str(model_path), '--threads', '1', '--confidence', '0.5', '--formats']
    options += ['--tiles', '--tile-size', '40', '--tile-overlap', '0.25', '--quiet']
    with pytest.raises(SystemExit) as ended:
        main(['detect', str(bag), '--output', str(tmp_path / 'theirs'), *options])
    assert ended.value.code == 0
    first, second = (
        [path.read_bytes() for path in sorted(folder.glob('bag/*'))]
        for folder in (ours.output, tmp_path / 'theirs' / 'flight')
    )
    assert first and first == second


def test_a_run_with_other_tiles_is_not_resumed(flights, detect, tmp_path):
    bag = flights.write(tmp_path / 'flight', range(1))
    detect(bag, tiling=TILING)
    (again,) = detect(bag, tiling=TILING, resume=True)
    assert not again.failure and not again.inferred
    (other,) = detect(bag, resume=True)
    assert 'other settings' in other.failure


def test_candidates_of_tiles_are_refused():
    with pytest.raises(ReplayError, match='Leave out --keep-candidates or --tiles'):
        DetectSettings(Thresholds(), OutputSettings(keep_candidates=0.05), Tiling())


def test_a_tile_size_without_tiles_is_refused(flights, tmp_path, capsys):
    bag = flights.write(tmp_path / 'flight', range(1))
    arguments = ['detect', str(bag), '--output', str(tmp_path / 'out'), '--tile-size', '40']
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 1
    assert 'need --tiles' in capsys.readouterr().err


def test_the_progress_of_a_large_frame_is_that_of_its_tiles(flights, tmp_path, model_path, capsys):
    # Large enough to last longer than the pause between two lines on any machine.
    image = cv2.resize(flights.image(1), (3600, 2700))
    cv2.imwrite(str(tmp_path / 'large.png'), image)
    options = ['--model', str(model_path), '--threads', '1', '--confidence', '0.99', '--formats']
    options += ['--tiles', '--progress', 'json', '--output', str(tmp_path / 'out')]
    with pytest.raises(SystemExit) as ended:
        main(['detect', str(tmp_path / 'large.png'), *options])
    assert ended.value.code == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    steps = [one for one in events if one['event'] == 'progress']
    seen = [one['tile'] for one in steps if 'tile' in one]
    assert seen == sorted(seen) and seen
    assert {one['tiles'] for one in steps if 'tile' in one} == {3763}
    assert 'tile' not in steps[-1] and steps[-1]['done'] == 1
