# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page in a real browser, over a real detector and a real recorder."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ros_graph import Graph

CHROMIUM = Path('/usr/bin/chromium')
QUIET = (
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
)
PATIENCE_MS = 60_000
SHOWN = 'live-video[data-sequence]'


@pytest.fixture(scope='module')
def bags(tmp_path_factory):
    return tmp_path_factory.mktemp('bags')


@pytest.fixture(scope='module')
def address(bags):
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
        'station.station_node': (f'port:={port} folder:={bags.parent / "station"}', ''),
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
def asked():
    return []


@pytest.fixture(scope='module')
def page(address, browser, asked):
    page = browser.new_page(viewport={'width': 1600, 'height': 1000})
    page.set_default_timeout(PATIENCE_MS)
    page.on('request', lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector(SHOWN)
    return page


def sequence(page):
    return int(page.get_attribute(SHOWN, 'data-sequence'))


def test_the_video_advances_on_two_pages_at_once(page, address, browser):
    other = browser.new_page()
    other.goto(address)
    other.wait_for_selector(SHOWN, timeout=PATIENCE_MS)
    for each in (page, other):
        before = sequence(each)
        each.wait_for_function(
            'before => document.querySelector("live-video").dataset.sequence > before + 2',
            arg=before,
        )
    other.close()


def test_a_slider_changes_the_node_s_parameter(page, address, browser):
    slider = page.locator('.q-drawer .q-slider').first
    box = slider.bounding_box()
    page.mouse.click(box['x'] + 0.6 * box['width'], box['y'] + box['height'] / 2)
    other = browser.new_page()  # what another page shows comes from the node
    other.goto(address)
    other.wait_for_function(
        'Math.abs(document.querySelector(".q-drawer .q-slider")?.ariaValueNow - 0.6) < 0.1',
        timeout=PATIENCE_MS,
    )
    other.close()


def test_a_value_that_the_node_refuses_is_put_back_and_its_reason_shown(page):
    number = page.locator('.q-drawer input[type=number]').first
    before = number.input_value()
    number.fill('99999')
    number.press('Tab')
    page.get_by_text('max_detections out of range').wait_for()
    page.wait_for_function(
        'before => document.querySelector(".q-drawer input[type=number]").value === before',
        arg=before,
    )


def load(page, model):
    field = page.locator('.q-drawer .q-select input').first
    field.fill(model)
    field.press('Enter')
    page.get_by_role('button', name='Load').click()


def test_another_model_is_loaded_from_the_page(page):
    load(page, 'roofs')
    facts = page.locator('.model-facts')
    facts.get_by_text('swapped to roofs').wait_for()
    facts.get_by_text('roof', exact=True).wait_for()
    load(page, 'roof_anomalies')
    facts.get_by_text('swapped to roof_anomalies').wait_for()


def test_a_model_that_is_not_there_shows_why(page):
    load(page, '/nowhere/best.pt')
    page.get_by_text('/nowhere/best.pt does not exist').first.wait_for()
    page.locator('.model-facts').get_by_text('roof_anomalies.pt').wait_for()


def test_record_makes_a_bag(page, bags):
    page.get_by_role('button', name='Record', exact=False).first.click()
    page.get_by_role('button', name='Stop').click()
    page.locator('.q-header').get_by_text('Not recording').wait_for()
    assert list(bags.glob('flight_*/*.mcap'))


def test_no_request_leaves_the_machine(page, asked):
    foreign = [
        url
        for url in asked
        if urlsplit(url).scheme not in ('data', 'blob') and urlsplit(url).hostname != '127.0.0.1'
    ]
    assert asked and not foreign
