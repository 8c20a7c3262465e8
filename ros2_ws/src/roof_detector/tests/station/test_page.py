# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page in a real browser, over a real detector and a real recorder."""

from __future__ import annotations

import contextlib
import json
import re
import time
import urllib.request
from urllib.parse import urlencode, urlsplit

import pytest
from std_srvs.srv import SetBool
from tiny_model import write_model

from roof_detector.station.box_text import box_text

SHOWN = 'live-video[data-sequence]'
PATIENCE_S = 120.0


@pytest.fixture(scope='module')
def site(flying):
    return flying


@pytest.fixture(scope='module')
def asked():
    return []


@pytest.fixture(scope='module')
def page(site, new_page, asked):
    page = new_page()
    page.on('request', lambda request: asked.append(request.url))
    page.goto(site.address)
    page.wait_for_selector(SHOWN)
    return page


def sequence(page):
    return int(page.get_attribute(SHOWN, 'data-sequence'))


def advance(page, frames):
    page.wait_for_selector(SHOWN)
    page.wait_for_function(
        # A page that loads again has no video for a moment.
        'least => document.querySelector("live-video")?.dataset.sequence >= least',
        arg=sequence(page) + frames,
    )


LIVE_AGAIN = (
    '!window.isOld && document.querySelector("live-video:not(.is-stale)")?.dataset.sequence'
)


def load_of(site):
    with urllib.request.urlopen(f'{site.address}load') as answer:
        return json.load(answer)


def wait_for_one_page(site, page):
    """Wait until the station has forgotten all pages but one, ten seconds after they were lost.

    One that loaded again before its websocket was open is forgotten after a minute.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while load_of(site)['pages'] > 1:
        assert time.monotonic() < deadline_s, load_of(site)
        page.wait_for_timeout(250)


def has_live_frame(site, page):
    camera = urlencode({'camera': page.get_attribute(SHOWN, 'camera')})
    with urllib.request.urlopen(f'{site.address}video?{camera}') as answer:
        return answer.status == 200


class Link:
    """The websocket of a tab, which can be lost: Chromium's own `offline` leaves it open."""

    def __init__(self, tab):
        self._tab = tab
        self._open = []
        self.is_lost = False
        tab.route_web_socket('**/*', self._relay)

    def lose(self):
        self.is_lost = True
        self._tab.context.set_offline(True)
        for socket in self._open:
            socket.close()

    def restore(self):
        # First: a websocket that is back has the page load again.
        self._tab.context.set_offline(False)
        self.is_lost = False

    def _relay(self, socket):
        if self.is_lost:
            socket.close()
        else:
            self._open += [socket, socket.connect_to_server()]


def test_a_page_whose_link_was_lost_for_long_is_live_again_by_itself(site, page, browser):
    tab = browser.new_page()
    tab.set_default_timeout(1e3 * PATIENCE_S)
    link = Link(tab)
    tab.goto(site.address)
    tab.wait_for_selector(SHOWN)
    tab.evaluate('window.isOld = true')
    link.lose()
    tab.wait_for_selector('live-video.is-stale')
    assert tab.locator('.live-wait').inner_text() == 'Waiting for video'
    assert tab.locator('.live-facts').text_content() == ''
    wait_for_one_page(site, page)  # until the station has forgotten this one
    link.restore()
    tab.wait_for_function(LIVE_AGAIN)
    advance(tab, 2)
    tab.close()


def test_a_frame_that_is_no_longer_live_is_covered(site, page):
    pilot = site.graph.node('pilot')
    request = SetBool.Request(data=False)
    assert site.graph.call(pilot, SetBool, '/detector/enable', request).success
    while has_live_frame(site, page):  # of before, however late a busy computer detected in it
        page.wait_for_timeout(250)
    page.wait_for_selector('live-video.is-stale')
    last = sequence(page)
    page.wait_for_timeout(3000)  # an old frame that came again would be drawn by now
    assert sequence(page) == last
    assert page.locator('live-video.is-stale').count() == 1
    request = SetBool.Request(data=True)
    assert site.graph.call(pilot, SetBool, '/detector/enable', request).success
    page.wait_for_selector('live-video:not(.is-stale)')
    advance(page, 2)


# Bytes a second of 64 kbit/s.
SLOW_LINK = {'offline': False, 'latency': 50, 'downloadThroughput': 8000, 'uploadThroughput': 8000}
FAST_LINK = {'offline': False, 'latency': 0, 'downloadThroughput': -1, 'uploadThroughput': -1}
THUMBNAILS_IN_VIEW = (
    "[...document.querySelectorAll('.station-thumbnail')].filter(one => one.naturalWidth).length"
)
# When each frame was asked for, its width, and whether images in view were still to come.
NOTE_VIDEO_REQUESTS = """
window.videoRequests = [];
const ask = window.fetch;
window.fetch = (url, ...options) => {
  const width = Number(new URL(url, location).searchParams.get('width'));
  const isAwaited = (image) => {
    const {top, bottom} = image.getBoundingClientRect();
    return image.src && !image.complete && bottom >= 0 && top <= innerHeight
      && image.checkVisibility();
  };
  if (`${url}`.startsWith('/video?'))
    videoRequests.push([performance.now(), width, [...document.images].some(isAwaited)]);
  return ask(url, ...options);
};
"""
PATIENCE_WITH_IMAGES_MS = 10_000


@pytest.fixture
def context(browser):
    """Return a browser's context, which is gone afterwards with its link."""
    context = browser.new_context(viewport={'width': 1600, 'height': 1000})
    yield context
    context.close()


def test_on_a_slow_link_findings_and_thumbnails_come_before_video(site, context):
    tab = context.new_page()
    tab.set_default_timeout(1e3 * PATIENCE_S)
    tab.goto(site.address)  # what the page is made of is in the browser's cache from here on
    tab.wait_for_selector(SHOWN)
    link = context.new_cdp_session(tab)
    link.send('Network.enable')
    link.send('Network.emulateNetworkConditions', SLOW_LINK)
    tab.add_init_script(NOTE_VIDEO_REQUESTS)
    tab.reload(wait_until='commit')
    tab.wait_for_function(f'{THUMBNAILS_IN_VIEW} >= 4')
    assert tab.locator('.flight-card .q-virtual-scroll__content tr').count() >= 4
    # A small frame may come before the page has heard of findings, and between their images where
    # these take longer than ten seconds.
    requests = tab.evaluate('videoRequests')
    starts_ms = [0, *(start_ms for start_ms, _, _ in requests)]
    for before_ms, (start_ms, width, is_awaiting_images) in zip(starts_ms, requests, strict=False):
        assert width == 240
        assert not is_awaiting_images or start_ms - before_ms >= PATIENCE_WITH_IMAGES_MS, requests
    link.send('Network.emulateNetworkConditions', FAST_LINK)
    advance(tab, 3)  # the video comes all the same
    assert tab.evaluate('videoRequests[0][1]') == 240  # and is small until the link is known


def test_the_video_advances_on_two_pages_at_once(page, new_page):
    other = new_page()
    other.wait_for_selector(SHOWN)
    for each in (page, other):
        advance(each, 3)
    other.close()


def test_the_flight_is_counted_by_class_above_its_rows_until_it_is_frozen(page):
    card = page.locator('.station-card', has_text='This flight')
    counts = card.get_by_text(re.compile(r'^\w+ \d+( · \w+ \d+)*$'))
    counts.wait_for()
    rows = card.locator('.q-virtual-scroll__content tr')  # other bodies are its padding
    rows.nth(1).wait_for()
    shown = rows.count()  # before the counts: both grow meanwhile
    assert sum(int(number) for number in re.findall(r'\d+', counts.inner_text())) >= shown
    freeze = card.get_by_role('switch', name='Freeze')
    freeze.click()
    card.get_by_role('switch', name='Freeze', checked=True).wait_for()  # the station has heard it
    frozen = counts.inner_text()
    advance(page, 4)
    assert counts.inner_text() == frozen
    freeze.click()
    page.wait_for_function(
        'frozen => !document.body.innerText.includes(frozen)', arg=frozen, polling=200
    )


@pytest.mark.parametrize('is_beside_settings', [False, True])
def test_the_boxes_of_a_large_frame_fit_into_their_card(new_page, is_beside_settings):
    tab = new_page()
    tab.set_viewport_size({'width': 1280, 'height': 800})
    if is_beside_settings:
        open_settings(tab)
    # At once, for the next frame replaces the row.
    overflow = tab.wait_for_function(
        """([label, box]) => {
          const table = document.querySelector('.frame-card .q-table__middle');
          const cells = table?.querySelectorAll('.q-virtual-scroll__content tr:first-child td');
          if (!cells?.length) return null;
          cells[0].textContent = label;
          cells[2].textContent = box;
          return [cells.length, table.scrollWidth - table.clientWidth]; }""",
        arg=['ponding', box_text((3205.4, 1180, 3677, 2136))],
    )
    assert overflow.json_value() == [3, 0]
    tab.close()


SIZES = {'wide': (1920, 1080), 'laptop': (1280, 800), 'tablet': (820, 1180), 'phone': (390, 844)}
# Everything that is seen of the page and touched: what leaves the window, and what is too small.
MISFITS = """() => {
  const width = document.documentElement.clientWidth, misfits = [];
  const seen = kinds => [...document.querySelectorAll(kinds)].filter(
    one => one.offsetWidth && one.checkVisibility({visibilityProperty: true}));
  const name = one => (one.innerText || one.ariaLabel || one.className).slice(0, 40);
  if (document.documentElement.scrollWidth > width) misfits.push('the page scrolls sideways');
  const touched = 'button, a.q-btn, [role=tab], .q-slider, .q-toggle';
  for (const one of seen(touched + ', .station-card, .q-field, .q-badge')) {
    const {left, right} = one.getBoundingClientRect();
    if (left < -1 || right > width + 1) misfits.push(`${name(one)} is cut at ${right}`);
  }
  for (const one of seen(touched)) {
    const box = one.getBoundingClientRect();
    if (Math.min(box.width, box.height) < 44)
      misfits.push(`${name(one)} is ${box.width}x${box.height}`);
  }
  for (const one of seen('.q-btn, .station-title'))
    if (one.scrollWidth > one.clientWidth + 1) misfits.push(`${name(one)} does not fit in itself`);
  for (const table of seen('.q-table__middle'))
    if (table.scrollWidth > table.clientWidth + 1) misfits.push(`cut table: ${name(table)}`);
  const header = document.querySelector('.q-header').getBoundingClientRect().height;
  if (header > (width < 700 ? 110 : 70)) misfits.push(`the header is ${header} high`);
  return misfits;
}"""


@pytest.mark.parametrize('size', SIZES)
def test_nothing_is_cut_or_too_small_to_touch(page, new_page, size):
    width, height = SIZES[size]
    tab = new_page()
    tab.set_viewport_size({'width': width, 'height': height})
    tab.locator('.station-card', has_text='This flight').locator('tr').nth(2).wait_for()
    found = {'live': tab.evaluate(MISFITS)}
    assert not tab.locator('.q-drawer .q-slider').first.is_visible()
    for name in ('Files', 'Flights', 'Inspections'):
        leave_live(tab, name)
        tab.locator('.station-card:visible').first.wait_for()
        found[name] = tab.evaluate(MISFITS)
    open_settings(tab)
    found['settings'] = tab.evaluate(MISFITS)
    if width >= 1024:
        tab.get_by_role('tab', name='Live').click()
        tab.locator('live-video').wait_for()
        found['live beside settings'] = tab.evaluate(MISFITS)
    else:
        tab.get_by_role('button', name='Close').click()
        tab.locator('.q-drawer .q-slider').first.wait_for(state='hidden')
    tab.close()
    assert not any(found.values()), found


def leave_live(page, name):
    """Open another tab; a page that a busy station lost loads again, and begins with Live."""
    from playwright.sync_api import TimeoutError as PatienceError

    for _ in range(10):
        page.get_by_role('tab', name=name).click()
        with contextlib.suppress(PatienceError):
            page.locator('live-video').wait_for(state='hidden', timeout=12_000)
            return
    page.locator('live-video').wait_for(state='hidden')


def open_settings(page):
    """Open the drawer, unless an earlier test left it open."""
    if page.locator('.q-drawer .q-slider').first.is_visible():
        return
    page.get_by_role('button', name='Tune').click()
    page.locator('.q-drawer .q-slider').first.wait_for()
    page.wait_for_function(
        'document.querySelector(".q-drawer").getBoundingClientRect().right <= innerWidth + 1'
    )


def test_a_slider_changes_the_node_s_parameter(page, new_page):
    open_settings(page)
    slider = page.locator('.q-drawer .q-slider').first
    box = slider.bounding_box()
    page.mouse.click(box['x'] + 0.6 * box['width'], box['y'] + box['height'] / 2)
    other = new_page()  # what another page shows comes from the node
    other.wait_for_function(
        'Math.abs(document.querySelector(".q-drawer .q-slider")?.ariaValueNow - 0.6) < 0.1'
    )
    other.close()


def test_a_value_that_the_node_refuses_is_put_back_and_its_reason_shown(page):
    open_settings(page)
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
    open_settings(page)
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
    page.locator('.model-facts').get_by_text('roof_anomalies.zip').wait_for()


def test_weights_are_uploaded_and_can_be_loaded(page, site, tmp_path):
    write_model(tmp_path / 'other.onnx', side=320)  # as the node was told
    (tmp_path / 'bad.pt').write_bytes(b'no weights')
    open_settings(page)
    drop = page.locator('.q-drawer file-drop')
    field = drop.locator('input')
    field.set_input_files(str(tmp_path / 'bad.pt'))
    drop.get_by_text('bad.pt is not a PyTorch checkpoint').wait_for()
    field.set_input_files(str(tmp_path / 'other.onnx'))
    drop.get_by_text('other.onnx is available: detection of equip, drain, crack').wait_for()
    load(page, str(site.folder / 'models/other.onnx'))
    page.locator('.model-facts').get_by_text('other.onnx', exact=True).wait_for()
    page.locator('.model-facts').get_by_text('onnxruntime').wait_for()


def test_pages_that_come_and_go_leave_nothing_behind(page, site, new_page):
    wait_for_one_page(site, page)
    samples = [load_of(site) for _ in range(5)]
    before = {name: max(sample[name] for sample in samples) for name in samples[0]}
    tab = new_page()
    tab.wait_for_function('window.socket?.connected')
    for _ in range(3):
        tab.reload(wait_until='commit')
        tab.wait_for_function('window.socket?.connected')
    assert load_of(site)['pages'] > before['pages']
    for _ in range(4):
        # In a task of its own: a page that loads again meanwhile has no answer to give.
        tab.evaluate('void setTimeout(() => window.socket.disconnect().connect())')
        tab.wait_for_function('window.socket?.connected')
    tab.close()
    deadline_s = time.monotonic() + PATIENCE_S
    after = load_of(site)
    while any(after[name] > before[name] for name in before):
        assert time.monotonic() < deadline_s, (before, after)
        page.wait_for_timeout(500)
        after = load_of(site)


def test_record_makes_a_bag(page, site):
    page.get_by_role('button', name='Record', exact=False).first.click()
    page.get_by_role('button', name='Stop').click()
    page.locator('.q-header').get_by_text('Not recording').wait_for()
    assert list(site.bags.glob('flight_*/*.mcap'))


def test_no_request_leaves_the_machine(page, asked):
    foreign = [
        url
        for url in asked
        if urlsplit(url).scheme not in ('data', 'blob') and urlsplit(url).hostname != '127.0.0.1'
    ]
    assert asked and not foreign
