# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import itertools
from functools import partial

import pytest
from ros_graph import Graph


@pytest.fixture
def graph():
    graph = Graph()
    yield graph
    graph.close()


@pytest.fixture(scope='module')
def shared_graph():
    """Give all tests of a module one graph, where starting a node for each costs too much."""
    graph = Graph()
    yield graph
    graph.close()


@pytest.fixture(scope='session')
def roof_bgr():
    """Return a frame with several labelled things, of a flight that no model was trained on."""
    from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight

    for seed in itertools.count(990_001):  # not every world has them where this flight looks
        flight = SurveyFlight(
            RoofWorld.generate(seed=seed), FlightConfig(size_wh=(640, 360)), seed=1
        )
        frames = (flight[i] for i in range(0, min(len(flight), 150), 6))
        best = max(frames, key=lambda frame: len(frame.class_ids))
        if len(best.class_ids) >= 5:
            return best.image_bgr


@pytest.fixture(scope='session')
def prepared_exports(make_once, roof_bgr):
    """Return a cache that holds an export of the shipped model, as before a flight.

    A detector that runs it starts without torch, in a quarter of the time.
    """
    from roof_detector.inference.export.export_cache import ExportCache
    from roof_detector.inference.export.preparation import Preparation
    from roof_detector.inference.export.prepare import prepare_exports
    from roof_detector.inference.shipped_weights import resolve_model

    def prepare(folder):
        model = resolve_model('roof_anomalies')
        preparation = Preparation(model, ExportCache(folder), [roof_bgr], device='cpu', threads=1)
        (_, openvino) = prepare_exports(preparation, ['openvino'])
        assert not openvino.problem, openvino.problem

    return make_once('prepared', prepare)


@pytest.fixture(scope='session')
def make_probe(prepared_exports):
    """Return what makes a probe; imported late, so that collecting tests needs no messages."""
    from detector_probe import DetectorProbe

    return partial(DetectorProbe, export_cache=prepared_exports)


@pytest.fixture
def flight(graph, tmp_path, monkeypatch):
    """Return a recorder's test stand, where it tells its state often; imported late as well."""
    from recorder_flight import Flight

    monkeypatch.setattr('roof_detector.ros.recorder.recorder_node._DIAGNOSTICS_PERIOD_S', 0.1)
    return Flight(graph, tmp_path / 'bags')
