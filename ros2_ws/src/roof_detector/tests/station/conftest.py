# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The station for the page's tests, alone or over a flight, and a real browser."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from ros_graph import Graph
from tiny_model import write_model
from truth_detector import TruthDetector

from benchmarks.campaign.free_port import free_port
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.register import Register
from roof_detector.simulation import RoofWorld

if TYPE_CHECKING:
    import subprocess

ROOF = Path(__file__).parents[1] / 'findings/conftest.py'
CHROMIUM = Path('/usr/bin/chromium')
QUIET = (
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
)
PATIENCE_MS = 120_000


@pytest.fixture(scope='session')
def damage_chunk():
    """Return a function that damages the first chunk of a bag's file and returns its content."""
    from roof_detector.bags.mcap_file_reader import McapFileReader

    def damage(path):
        reader = McapFileReader(path)
        chunk = next(span for span in reader.survey.spans if span.is_chunk)
        reader.close()
        content = bytearray(path.read_bytes())
        middle = chunk.offset + chunk.length // 2
        content[middle : middle + 8] = bytes(byte ^ 0xFF for byte in content[middle : middle + 8])
        path.write_bytes(content)
        return content

    return damage


@dataclass(frozen=True)
class Site:
    """Say where the page is, where the station keeps things, and where the recorder writes.

    `processes` are the nodes by their modules.
    """

    address: str
    folder: Path
    bags: Path
    graph: Graph
    processes: dict[str, subprocess.Popen]


def is_open(port):
    """Return whether something listens on a port of this computer."""
    with socket.socket() as probe:
        probe.settimeout(0.1)
        return not probe.connect_ex(('127.0.0.1', port))


@contextlib.contextmanager
def served(root, nodes, *, recorder=True):
    """Start a recorder, the station with a small model, and more nodes."""
    if not CHROMIUM.exists():
        pytest.skip(f'{CHROMIUM} is not there.')
    port = free_port()
    graph = Graph()
    site = Site(f'http://127.0.0.1:{port}/', root / 'station', root / 'bags', graph, {})
    (site.folder / 'models').mkdir(parents=True)
    site.bags.mkdir()
    write_model(site.folder / 'models/tiny.onnx')
    nodes = {
        **nodes,
        **(
            {'ros.recorder.recorder_node': (f'output_directory:={site.bags} min_free_gb:=0.0', '')}
            if recorder
            else {}
        ),
        'station.station_node': (f'port:={port} folder:={site.folder}', ''),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv('PYTEST_CURRENT_TEST', raising=False)  # NiceGUI would take it for its own
        for module, (values, remapping) in nodes.items():
            given = [text for value in values.split() for text in ('-p', value)]
            renamed = ['-r', remapping] if remapping else []
            site.processes[module] = graph.start(
                f'roof_detector.{module}', '--ros-args', *renamed, *given
            )
    try:
        graph.wait_until(
            lambda: is_open(port), within_s=PATIENCE_MS / 1e3, what='a station that answers'
        )
        yield site
    finally:
        graph.close()


@pytest.fixture(scope='module')
def grounded(tmp_path_factory):
    """Serve the page beside an idle recorder."""
    with served(tmp_path_factory.mktemp('grounded'), {}) as site:
        yield site


@pytest.fixture(scope='module')
def reviewed(tmp_path_factory):
    """Serve the page alone."""
    with served(tmp_path_factory.mktemp('reviewed'), {}, recorder=False) as site:
        yield site


@pytest.fixture(scope='module')
def flying(tmp_path_factory):
    """Serve the page over a simulated flight that is detected in."""
    # Few frames: each is simulated, detected in, and drawn by every page that is open.
    flight = 'loop:=true rate_hz:=2.5 width:=320 height:=240'
    detector = 'threads:=1 image_size:=320 backend:=onnxruntime'
    nodes = {
        'ros.camera.simulated_flight_node': (flight, '__node:=camera'),
        'ros.detector.detector_node': (detector, 'image:=camera/image'),
    }
    with served(tmp_path_factory.mktemp('flying'), nodes) as site:
        yield site


@pytest.fixture(scope='module')
def inspecting(tmp_path_factory):
    """Serve the page over a simulated flight that is inspected; the folder is called roof.

    What the detector finds is the truth, so that findings come at once on any computer.
    """
    root = tmp_path_factory.mktemp('inspecting')
    roof_m = max(one.footprint.height for one in RoofWorld.generate(seed=7).buildings)
    inspector = (
        f'ground_m:={roof_m} findings_directory:={root / "station/inspections/roof"} '
        'update_period_s:=0.5 telemetry_wait_s:=5.0'
    )
    # Square images show each object from five places, of which three confirm one.
    flight = 'rate_hz:=8.0 width:=320 height:=320 seed:=7 loop:=true wait_timeout_s:=60.0'
    nodes = {
        'ros.camera.simulated_flight_node': (flight, '__node:=camera'),
        'ros.inspector.inspector_node': (inspector, 'image:=camera/image'),
    }
    with served(root, nodes, recorder=False) as site, TruthDetector(site.graph):
        yield site


@pytest.fixture(scope='module')
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=QUIET, timeout=PATIENCE_MS
        )
        yield browser
        browser.close()


@pytest.fixture(scope='module')
def new_page(site, browser):
    """Return a call that opens the page of a module's site in a tab of its own."""

    def open_page():
        page = browser.new_page(viewport={'width': 1600, 'height': 1000})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(site.address)
        return page

    return open_page


def write_inspection(folder):
    """Fly over a row of five objects; write inspection.gpkg and the photos; return the folder."""
    spec = importlib.util.spec_from_file_location('roof_of_findings', ROOF)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    roof = module.Roof
    scene = roof([(x, 0.0) for x in range(-4, 5, 2)], class_ids=[0, 1, 0, 0, 0])
    (folder / 'photos').mkdir(parents=True, exist_ok=True)
    register = Register(roof.NAMES, origin=roof.ORIGIN)
    with InspectionStore(folder / 'inspection.gpkg') as store, store.run(roof.ORIGIN) as run:
        for index in range(12):
            sightings, _ = scene.sightings((index - 5.5, 0), index)
            name = f'f_{index}.jpg'
            frame = replace(sightings.frame, source='photos', name=name)
            sightings = replace(sightings, frame=frame)
            run.add_frame(sightings, register.add(sightings), roof.NAMES)
            cv2.imwrite(str(folder / 'photos' / name), _photo(sightings, index))
        result = register.finish()
        provenance = {'inputs': [{'flight': 'f', 'source': 'photos'}]}
        run.finish(
            result.findings, result.numbers, result.events, provenance, computed=result.findings
        )
    return folder


def _photo(sightings, index):
    """Return a grey roof with a dark square in each box."""
    noise = np.random.default_rng(index).integers(120, 160, (360, 640, 3), dtype=np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 2)
    for left, top, right, bottom in sightings.boxes_xyxy.astype(int).tolist():
        cv2.rectangle(image, (left, top), (right, bottom), (60, 50, 40), -1)
    return image


@pytest.fixture(scope='session')
def write():
    """Return what writes an inspection of five objects into a folder, there already or not."""
    return write_inspection


@pytest.fixture(scope='session')
def written(tmp_path_factory):
    """Write an inspection of five objects once, with its photos; return its folder."""
    return write_inspection(tmp_path_factory.mktemp('written') / 'roof')
