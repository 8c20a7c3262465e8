# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
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
def roof_bgr(make_once):
    """Return a frame with several labelled things, of a flight that no model was trained on."""
    from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight

    def render(folder):
        # Worlds beside it have nothing where this flight looks.
        world = RoofWorld.generate(seed=990_002)
        flight = SurveyFlight(world, FlightConfig(size_wh=(640, 360)), seed=1)
        frames = (flight[i] for i in range(36, 60, 6))
        best = max(frames, key=lambda frame: len(frame.class_ids))
        assert len(best.class_ids) >= 5, 'another world or another part of the flight is needed'
        assert cv2.imwrite(str(folder / 'roof.png'), best.image_bgr)

    return cv2.imread(str(make_once('roof_bgr', render) / 'roof.png'))


@pytest.fixture(scope='session')
def make_probe():
    """Return what makes a probe; imported late, so that collecting tests needs no messages."""
    from detector_probe import DetectorProbe

    return DetectorProbe


@pytest.fixture
def flight(graph, tmp_path, monkeypatch):
    """Return a recorder's test stand, where it tells its state often; imported late as well."""
    from recorder_flight import Flight

    monkeypatch.setattr('roof_detector.ros.recorder.recorder_node._DIAGNOSTICS_PERIOD_S', 0.1)
    return Flight(graph, tmp_path / 'bags')
