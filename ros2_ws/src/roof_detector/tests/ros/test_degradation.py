# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Quality that is given up while results are too old, over DDS, and what is called fresh."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import onnx
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.serialization import deserialize_message
from tiny_model import write_model

from roof_detector.bags.reader import BagReader
from roof_detector.inference.package.container import read_files
from roof_detector.inference.package.manifest import ONNX
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.pipeline.frame_stats import FrameStats
from roof_detector.ros.detector.detector_diagnostics import detector_status
from roof_detector.ros.detector.detector_parameters import (
    DETECTOR_TABLE,
    detector_settings,
    reduced_settings,
)
from roof_detector.supervision.health import Level

LIMIT_S = 2.0


def status_of(stats):
    status = detector_status(
        name='detector: detection',
        state='active',
        topic='/image',
        detector=None,
        model_change='',
        stats=stats.snapshot(),
        annotations_skipped=0,
        tiles=None,
    )
    return status, {one.key: one.value for one in status.values}


def test_a_result_older_than_the_limit_is_never_called_fresh():
    stats = FrameStats()
    for age_s in (LIMIT_S, 0.1):
        stats.see()
        stats.process({}, found={}, age_s=age_s, limit_s=LIMIT_S)
    status, values = status_of(stats)
    assert status.level == bytes([Level.OK])
    assert values['results_stale'] == '0'
    stats.see()
    stats.process({}, found={}, age_s=2.1, limit_s=LIMIT_S)
    status, values = status_of(stats)
    assert status.level == bytes([Level.WARN])
    assert status.message.startswith('Results are not fresh: 1 of late were older than max_age_s')
    assert values['results_stale'] == '1'
    stats.process({}, found={}, age_s=99.0)
    assert status_of(stats)[1]['results_stale'] == '1', 'without a limit none is'


def test_each_step_leaves_less_and_none_leaves_what_was_asked_for():
    values = {one.name: one.default for one in DETECTOR_TABLE}
    asked = detector_settings({**values, 'tile_budget_ms': 100.0, 'annotated_rate': 10.0})
    assert reduced_settings(asked, ()) == asked
    assert reduced_settings(asked, ('annotations',)).annotated_rate_hz == 1.0
    assert reduced_settings(detector_settings(values), ('annotations',)).annotated_rate_hz == 1.0
    tiles = reduced_settings(asked, ('tiles',))
    assert tiles.has_tiles and tiles.tile_budget_s < 1e-3
    assert not reduced_settings(detector_settings(values), ('tiles',)).has_tiles
    assert reduced_settings(asked, ('input',)).input_scale == 0.75
    assert reduced_settings(asked, ('model',)) == asked, 'the slot has it loaded'
    assert reduced_settings(asked, ('thinning',)).every == 2


def test_frames_that_come_too_old_reduce_quality_until_the_operator_forbids_it(
    graph, make_probe, roof_bgr
):
    probe = make_probe(graph, arguments=['max_age_s:=30.0'])  # of a busy computer's frames none
    probe.send_and_wait(roof_bgr)

    def send_old():
        old = probe.stamp()
        old.sec -= 60
        probe.send(roof_bgr, stamp=old)

    timer = probe.node.create_timer(0.1, send_old)
    values = probe.report_when(lambda values: values.get('degradation') == 'input, thinning')
    assert values['degradation_reason'] == 'all frames were too old, the limit is 30 s'
    probe.report_when(lambda values: int(values.get('dropped.thinned', 0)) > 0)
    assert probe.set('degrade', False).successful
    probe.report_when(lambda values: values.get('degradation') == 'none')
    probe.node.destroy_timer(timer)
    for _ in range(2):
        probe.send_and_wait(roof_bgr)


def write_heavy_model(path):
    """Write the shipped network for images so large that a core is busy with one for long."""
    model = onnx.load_from_string(read_files(resolve_model('roof_anomalies'))[ONNX])
    for one in model.metadata_props:
        if one.key == 'imgsz':
            one.value = '[1600, 1600]'
    onnx.save(model, path)
    return path


def test_too_heavy_a_model_gives_way_to_the_lighter_one_until_results_are_young_again(
    flight, make_probe, roof_bgr, tmp_path
):
    flight.recorder(topics=['/diagnostics'], bag_name='bag')
    heavy = write_heavy_model(tmp_path / 'heavy.onnx')
    lighter = write_model(tmp_path / 'lighter.onnx')
    probe = make_probe(flight.graph, arguments=[f'model:={heavy}', f'lighter_model:={lighter}'])
    probe.node.create_timer(0.1, lambda: probe.send(roof_bgr))
    probe.wait_for_results(5)
    report = probe.report_when(lambda values: 'age_ms.p50' in values)
    assert report['degradation'] == 'none', 'without a limit nothing is too old'
    age_s = float(report['age_ms.p50']) / 1e3

    # A smaller input, of 9/16 of the pixels, is not enough, nor if this computer was busy before.
    limit_s = 0.15 * age_s
    assert probe.set('max_age_s', limit_s).successful
    report = probe.report_when(lambda values: Path(values['model']).name == 'lighter.onnx')
    assert report['degradation'] == 'input, model'
    assert report['degradation_reason'].endswith(f'the limit is {limit_s:g} s')
    count = len(probe.results)
    probe.wait_for_results(count + 20)
    assert probe.report()['degradation'] == 'input, model', 'it is enough'

    assert probe.set('max_age_s', 100 * age_s).successful
    probe.report_when(lambda values: values['degradation'] == 'none')
    probe.report_when(lambda values: Path(values['model']).name == 'heavy.onnx')

    bag_folder = flight.stopped_bag()
    _, log = flight.graph.stop(probe.process)
    assert 'Quality is reduced (a smaller input, the lighter model): ' in log
    assert 'Quality is whole again.' in log
    with BagReader(bag_folder) as bag:
        arrays = [deserialize_message(one.data, DiagnosticArray) for one in bag.messages()]
    told = [
        {pair.key: pair.value for pair in status.values}
        for array in arrays
        for status in array.status
        if status.name == 'detector: detection'
    ]
    told = [one for one in told if 'degradation' in one]  # while it starts it says less
    steps = [step for step, _ in groupby(one['degradation'] for one in told)]
    assert steps == ['none', 'input', 'input, model', 'input', 'none']
    models = [name for name, _ in groupby(Path(one.get('model', '')).name for one in told)]
    assert [one for one in models if one] == ['heavy.onnx', 'lighter.onnx', 'heavy.onnx']
