# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The whole station for the page's tests: nodes of a flight, and a real browser."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from ros_graph import Graph
from tiny_model import write_model

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


@pytest.fixture(scope='package')
def bags(tmp_path_factory):
    return tmp_path_factory.mktemp('bags')


@pytest.fixture(scope='package')
def folder(tmp_path_factory):
    """Return the station's folder, with a small model in it."""
    folder = tmp_path_factory.mktemp('station')
    (folder / 'models').mkdir()
    write_model(folder / 'models/tiny.onnx')
    return folder


@pytest.fixture(scope='package')
def address(bags, folder):
    """Start a camera, a detector, a recorder and the station; return where the page is."""
    if not CHROMIUM.exists():
        pytest.skip(f'{CHROMIUM} is not there.')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    graph = Graph()
    flight = 'loop:=true rate_hz:=5.0 width:=320 height:=240'
    nodes = {
        'ros.simulated_flight_node': (flight, '__node:=camera'),
        'ros.detector_node': ('threads:=1 image_size:=320', 'image:=camera/image'),
        'ros.recorder_node': (f'output_directory:={bags} min_free_gb:=0.0', ''),
        'station.station_node': (f'port:={port} folder:={folder}', ''),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv('PYTEST_CURRENT_TEST', raising=False)  # NiceGUI would take it for its own
        for module, (values, remapping) in nodes.items():
            given = [text for value in values.split() for text in ('-p', value)]
            renamed = ['-r', remapping] if remapping else []
            graph.start(f'roof_detector.{module}', '--ros-args', *renamed, *given)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                probe.settimeout(0.1)
                if not probe.connect_ex(('127.0.0.1', port)):
                    break
                graph.executor.spin_once(timeout_sec=0.1)
        yield f'http://127.0.0.1:{port}/'
    finally:
        graph.close()


@pytest.fixture(scope='module')
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope='module')
def new_page(address, browser):
    """Return a call that opens the page in a tab of its own."""

    def open_page():
        page = browser.new_page(viewport={'width': 1600, 'height': 1000})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        return page

    return open_page
