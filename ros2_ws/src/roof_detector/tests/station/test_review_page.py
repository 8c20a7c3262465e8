# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The review in a real browser: list, map, images, keys, and two people at once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from itertools import count, pairwise
from urllib.parse import urlsplit

import pytest
from flown_inspection import make_inspection, write_flight
from tiny_model import write_model

from roof_detector.findings.roof_zones import read_zones
from roof_detector.findings.store_reader import open_reader
from roof_detector.offline.reporting.report_settings import ReportSettings
from roof_detector.offline.reporting.written_report import write_report

SIZES = {'wide': (1920, 1080), 'laptop': (1280, 800), 'tablet': (820, 1180), 'phone': (390, 844)}
# What leaves the window, and what is too small to be touched with gloves.
MISFITS = """() => {
  const width = document.documentElement.clientWidth, misfits = [];
  if (document.documentElement.scrollWidth > width) misfits.push('the page scrolls sideways');
  const looked = 'button, select, a, li.touch, section, figure, h1';
  for (const one of document.querySelectorAll(looked)) {
    const {left, right, width: w, height: h} = one.getBoundingClientRect();
    if (!w || !one.checkVisibility({visibilityProperty: true})) continue;
    const name = `${one.tagName} ${one.id} ${one.textContent.slice(0, 30)}`;
    if (left < -1 || right > width + 1) misfits.push(`${name} is cut at ${right}`);
    if (one.matches('button, select, a, li') && Math.min(w, h) < 44)
      misfits.push(`${name} is ${w}x${h}`);
  }
  const header = document.querySelector('header').getBoundingClientRect().height;
  if (header > 70) misfits.push(`the header is ${header} high`);
  return misfits;
}"""


@pytest.fixture(scope='module')
def site(reviewed):
    return reviewed


@pytest.fixture(scope='module')
def store(site, written):
    """Put an inspection into the station's folder; return its file."""
    folder = site.folder / 'inspections/My roof'
    shutil.copytree(written, folder)
    return folder / 'inspection.gpkg'


@pytest.fixture(scope='module')
def asked():
    return []


@pytest.fixture(scope='module')
def open_review(site, store, browser, asked):
    """Return a call that opens the review as a person with a browser of their own."""

    def open_page(who, size='wide', name='My%20roof', *, is_heard=True):
        width, height = SIZES[size]
        page = browser.new_page(viewport={'width': width, 'height': height})
        page.set_default_timeout(120_000)
        if is_heard:
            page.on('request', lambda request: asked.append(request.url))
            page.on('response', lambda response: asked.append((response.status, response.url)))
        page.add_init_script(f"localStorage.setItem('reviewer', JSON.stringify('{who}'))")
        page.goto(f'{site.address}review/inspections/{name}')
        page.locator('#rows li').nth(1).wait_for()
        return page

    return open_page


@pytest.fixture(scope='module')
def page(open_review):
    return open_review('A. B.')


@pytest.fixture(scope='module')
def other(open_review):
    return open_review('C. D.')


def kept(store):
    with open_reader(store) as reader:
        return [(one.who, one.kind.value, one.value) for one in reader.decisions()]


def row(page, number):
    return page.locator(f'#rows li[data-number="{number}"]')


def test_the_list_of_inspections_leads_to_the_review(site, store, browser):
    page = browser.new_page(viewport={'width': 1280, 'height': 800})
    page.set_default_timeout(120_000)
    page.goto(site.address)
    page.get_by_role('tab', name='Inspections').click()
    page.get_by_role('link', name='Review').click()
    page.locator('#rows li').first.wait_for()
    assert page.locator('h1').inner_text() == 'My roof'
    page.close()


def test_markers_are_where_the_findings_are(page):
    """The objects stand in a row from west to east, 2 m apart."""
    page.locator('.leaflet-marker-pane .pin').nth(4).wait_for()
    boxes = pin_boxes(page)
    places = page.evaluate('[...store.findings.values()].map((one) => [one.n, ...one.at])')
    by_longitude = [number for number, _, longitude in sorted(places, key=lambda one: one[2])]
    at = [(boxes[n]['x'] + boxes[n]['width'] / 2, boxes[n]['y']) for n in by_longitude]
    steps = [after[0] - before[0] for before, after in pairwise(at)]
    assert min(steps) > 20
    assert max(steps) - min(steps) < 0.15 * max(steps)
    assert max(y for _, y in at) - min(y for _, y in at) < 0.2 * max(steps)
    metre = page.evaluate(
        """() => { const one = map.map.containerPointToLatLng([300, 300]);
          return 1 / map.map.distance(one, map.map.containerPointToLatLng([301, 300])); }"""
    )
    assert sum(steps) / 4 / metre == pytest.approx(2.0, rel=0.1)


def test_a_thumbnail_and_all_sightings_are_shown(page):
    row(page, 1).click()
    page.wait_for_function(
        "document.querySelector('#rows img').naturalWidth === 96"
        " && document.querySelector('#finding img')?.naturalWidth > 100"
    )
    pager = page.locator('.pager span')
    count = int(pager.inner_text().split('/')[1])
    assert count > 1
    first = page.locator('figcaption').inner_text()
    page.keyboard.press('ArrowRight')
    page.wait_for_function(
        "first => document.querySelector('figcaption').innerText !== first", arg=first
    )
    page.keyboard.press('x')
    page.wait_for_function("document.querySelector('#finding img').naturalWidth === 640")
    page.keyboard.press('x')


def test_one_key_decides_and_the_other_page_shows_it(page, other, store):
    row(page, 1).click()
    page.keyboard.press('c')  # and goes on to the next one
    page.locator('#rows li.chosen[data-number="2"]').wait_for()
    row(other, 1).locator('.pin.confirmed.decided').wait_for()
    page.keyboard.press('3')
    row(other, 2).get_by_text('high').wait_for()
    page.keyboard.press('n')
    page.locator('textarea').fill('<b>loose</b> cover')
    page.get_by_role('button', name='Save').click()
    page.locator('dd', has_text='<b>loose</b> cover').wait_for()
    page.keyboard.press('l')
    page.get_by_label('Class', exact=True).last.fill('<i>vent</i>')
    page.keyboard.press('Enter')
    row(other, 2).get_by_text('<i>vent</i>').wait_for()
    # Both answer differently: both answers are kept, and the last one counts.
    row(other, 1).click()
    other.keyboard.press('r')
    row(page, 1).get_by_text('disputed').wait_for()
    row(page, 1).locator('.pin.rejected').wait_for()
    row(page, 1).click()
    history = page.locator('.history')
    history.get_by_text('C. D.').wait_for()  # the other finding's is there until this one has come
    assert ['C. D.' in one for one in history.locator('small').all_inner_texts()] == [True, False]
    assert kept(store) == [
        ('A. B.', 'confirm', ''),
        ('A. B.', 'severity', 'high'),
        ('A. B.', 'note', '<b>loose</b> cover'),
        ('A. B.', 'rename', '<i>vent</i>'),
        ('C. D.', 'reject', ''),
    ]
    other.keyboard.press('u')
    row(page, 1).locator('.pin.confirmed').wait_for()


def test_findings_are_merged_on_the_list_and_taken_apart_again(page):
    row(page, 4).click()
    page.keyboard.press('m')
    row(page, 5).click()
    row(page, 4).wait_for(state='detached')
    page.keyboard.press('u')
    row(page, 4).wait_for()


def test_all_like_one_are_decided_and_taken_back_at_once(page, store):
    alike = page.evaluate(
        """() => { const open = [...store.findings.values()].filter((one) => !one.decided);
          const groups = Map.groupBy(open, (one) => `${one.class} ${one.state}`).values();
          return [...groups].sort((a, b) => b.length - a.length)[0].map((one) => one.n); }"""
    )
    assert len(alike) >= 2
    row(page, alike[0]).click()
    page.keyboard.press('a')
    page.locator('dialog').get_by_text('findings:').wait_for()
    page.keyboard.press('2')
    rejected = "document.querySelectorAll('#rows .pin.rejected.decided').length"
    page.wait_for_function(f'{rejected} === {len(alike)}')
    page.wait_for_function('!store.pending.length')
    assert kept(store)[-1][1] == kept(store)[-2][1] == 'reject'
    page.keyboard.press('u')
    page.wait_for_function(f'!{rejected}')
    page.wait_for_function('!store.pending.length')


def test_a_decision_waits_for_the_station_where_the_link_is_lost(page, store):
    before = len(kept(store))
    page.route('**/decisions', lambda route: route.abort())
    row(page, 5).click()
    page.keyboard.press('c')
    page.get_by_text('1 waiting to be saved').wait_for()
    page.reload()  # what waits is in the browser's storage
    page.get_by_text('1 waiting to be saved').wait_for()
    page.unroute('**/decisions')
    row(page, 5).locator('.pin.decided').wait_for()
    page.wait_for_function('!store.pending.length')
    assert len(kept(store)) == before + 1


def test_a_button_stays_under_the_pointer_while_its_image_fails(open_review, store):
    tab = open_review('A. B.', is_heard=False)
    before = len(kept(store))
    asked_for = []

    def hold(route):
        asked_for.append(route)

    tab.route('**/image/*', hold)
    row(tab, 4).click()
    button = tab.locator('.actions button[data-key="2"]')
    button.wait_for()
    while not asked_for:
        tab.wait_for_timeout(20)
    box = button.bounding_box()
    tab.mouse.move(box['x'] + box['width'] / 2, box['y'] + box['height'] / 2)
    tab.mouse.down()
    while not tab.locator('.missing').count():
        if asked_for:
            asked_for.pop().fulfill(status=404, body='There is none.')
        tab.wait_for_timeout(20)
    assert button.bounding_box() == box
    tab.mouse.up()
    tab.wait_for_function('!store.pending.length && store.findings.get(4).severity === "medium"')
    assert len(kept(store)) == before + 1
    tab.close()


def test_two_people_decide_while_inspect_makes_the_inspection_again(site, open_review, tmp_path):
    video = write_flight(tmp_path / 'DJI_0001.MP4', frames=24)
    model = write_model(tmp_path / 'small.onnx')
    folder = make_inspection(site.folder / 'inspections/flown', model=model, videos=[video])
    # The video is in no folder of the station, so its images are missing.
    pages = [open_review(who, name='flown', is_heard=False) for who in ('A. B.', 'C. D.')]
    numbers = [
        int(pages[0].locator('#rows li').nth(k).get_attribute('data-number')) for k in (0, 1)
    ]
    run = subprocess.Popen(
        [
            *(sys.executable, '-m', 'roof_detector.cli.main', 'inspect', str(video)),
            *('--output', str(folder), '--model', str(model), '--confidence', '0.85'),
            *('--overwrite', '--no-report', '--quiet', '--threads', '1'),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    pressed = []
    for index in count():
        if run.poll() is not None and index >= 2:
            break
        for person, number in zip(pages, numbers, strict=True):
            row(person, number).click()
            person.keyboard.press(str(1 + index % 3))
            pressed.append((number, ('low', 'medium', 'high')[index % 3]))
    assert run.returncode == 0, run.stdout.read()
    run.stdout.close()
    for person in pages:
        person.wait_for_function('!store.pending.length')
    for number, who in zip(numbers, ('A. B.', 'C. D.'), strict=True):
        own = [value for of, value in pressed if of == number]
        assert [value for by, _, value in kept(folder / 'inspection.gpkg') if by == who] == own
    with open_reader(folder / 'inspection.gpkg') as reader:
        decided = {one.number: one.severity for one in reader.decided().findings if one.severity}
    assert decided == dict(pressed)
    for person in pages:
        person.wait_for_function(
            'all => all.every(([n, severity]) => store.findings.get(n)?.severity === severity)',
            arg=list(decided.items()),
        )
        person.close()


def test_images_are_shown_after_the_inspection_was_made_again(site, open_review, write):
    folder = write(site.folder / 'inspections/again')
    person = open_review('A. B.', name='again', is_heard=False)
    row(person, 1).click()
    person.wait_for_function("document.querySelector('#finding img')?.naturalWidth > 100")
    revision = person.evaluate('store.revision')
    write(folder)
    person.wait_for_function('before => store.revision !== before', arg=revision)
    first = person.locator('figcaption').inner_text()
    with person.expect_response(lambda one: '/image/' in one.url and one.status == 410):
        person.keyboard.press('ArrowRight')
    person.wait_for_function(
        "first => document.querySelector('figcaption').innerText !== first"
        " && document.querySelector('#finding img')?.naturalWidth > 100",
        arg=first,
    )
    assert not person.locator('#finding .missing').count()
    person.close()


def test_help_lists_the_keys(page):
    page.keyboard.press('?')
    page.locator('dialog').get_by_text('All like this one').wait_for()
    page.keyboard.press('Escape')
    page.locator('dialog').wait_for(state='hidden')


@pytest.mark.parametrize('size', SIZES)
def test_nothing_is_cut_or_too_small_to_touch(other, size):
    width, height = SIZES[size]
    other.set_viewport_size({'width': width, 'height': height})
    found = {}
    for name in ('list', 'map', 'finding'):
        other.evaluate('name => { setView(name); choose(2, {isShown: false}); }', name)
        other.locator(f'#{name}').wait_for()
        assert other.locator(f'#{name}').bounding_box()['height'] > 200
        found[name] = other.evaluate(MISFITS)
    assert not any(found.values()), found


@pytest.fixture(scope='module')
def drawn(site, written):
    """Put an inspection to draw in into the station's folder; return its folder."""
    folder = site.folder / 'inspections/drawn'
    shutil.copytree(written, folder)
    return folder


def spots(page, *shares):
    """Return places on the map, given as shares of its width and height, in pixels."""
    page.locator('.leaflet-marker-pane .pin').first.wait_for()
    box = page.locator('#map').bounding_box()
    return [(box['x'] + x * box['width'], box['y'] + y * box['height']) for x, y in shares]


def begin(page, kind):
    page.locator('#map').get_by_role('button', name='Draw zones and area').click()
    page.locator('.drawing').get_by_role('button', name=f'+ {kind}').click()


def name_zone(page, name):
    page.get_by_label('Name', exact=True).fill(name)
    page.keyboard.press('Enter')
    page.locator('#map.is-drawing').wait_for()


def listed(page, name):
    return page.locator('.drawing').get_by_role('button', name=name, exact=True)


def shown(page, name):
    """Return the name on the map; the one of before fades beside it."""
    return page.locator('.outline-name', has_text=name).last


def wait_until_drawn(page, version):
    """Wait until the page draws that version of the zones and will not draw it again."""
    page.wait_for_function(
        """version => outlines.known.zones.version === version
          && store.outlines.zones === version && !outlines.isLoading""",
        arg=version,
    )


@contextmanager
def saving(page):
    """Do inside what saves the zones; wait until the page draws what was saved."""
    with page.expect_response('**/outlines/zones') as saved:
        yield
    wait_until_drawn(page, saved.value.json()['version'])


def drag(page, locator, by_xy):
    box = locator.bounding_box()
    x, y = box['x'] + box['width'] / 2, box['y'] + box['height'] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by_xy[0], y + by_xy[1], steps=4)
    with saving(page):
        page.mouse.up()


def pin_boxes(page):
    """Return where each finding's pin is, in pixels, all of one moment: pins are drawn again."""
    boxes = page.evaluate(
        """() => [...document.querySelectorAll('.leaflet-marker-pane .pin')].map(
          (pin) => [Number(pin.textContent), pin.getBoundingClientRect().toJSON()])"""
    )
    return dict(boxes)


def test_a_zone_is_drawn_with_the_mouse_and_the_report_names_it(open_review, drawn, tmp_path):
    tab = open_review('A. B.', name='drawn', is_heard=False)
    begin(tab, 'Zone')
    name_zone(tab, 'North <b>hall</b>')
    corners = spots(tab, (0.02, 0.3), (0.6, 0.3), (0.6, 0.9), (0.02, 0.9))
    tab.mouse.click(*corners[0])
    tab.mouse.click(*corners[2])
    tab.mouse.click(*corners[1])
    tab.mouse.click(*corners[3])  # would cross the first side
    tab.get_by_text('would cross each other').wait_for()
    for _ in range(2):
        tab.get_by_role('button', name='Undo corner').click()
    for at in (*corners[1:], corners[0]):
        tab.mouse.click(*at)
    listed(tab, 'North <b>hall</b>').click()
    tab.get_by_text('A. B. ·').wait_for()
    wait_until_drawn(tab, tab.evaluate('outlines.known.zones.version'))
    # A corner is dragged, and then moved by keys.
    before = read_zones(drawn / 'zones.geojson')[0].polygons
    handles = tab.locator('.leaflet-marker-draggable:not(:has(.middle))')
    drag(tab, handles.nth(2), (-10, -20))
    dragged = read_zones(drawn / 'zones.geojson')[0].polygons
    assert 0.9 * before.area < dragged.area < before.area
    handles.first.focus()
    with saving(tab):
        tab.keyboard.press('ArrowUp')
    assert read_zones(drawn / 'zones.geojson')[0].polygons.area > dragged.area
    # A point between two corners becomes one, and is removed again.
    drag(tab, tab.locator('.corner.middle').nth(1), (-26, 0))
    handles.nth(4).wait_for()
    with_five = read_zones(drawn / 'zones.geojson')[0].polygons
    assert len(with_five.exterior.coords) == 6
    handles.nth(2).click()
    with saving(tab):
        tab.get_by_role('button', name='Remove corner').click()
    assert len(read_zones(drawn / 'zones.geojson')[0].polygons.exterior.coords) == 5
    tab.reload()
    shown(tab, 'North <b>hall</b>').wait_for()
    (zone,) = read_zones(drawn / 'zones.geojson')
    with open_reader(drawn / 'inspection.gpkg') as reader:
        findings = reader.decided().findings
    pins = pin_boxes(tab)
    for one in findings:
        assert zone.contains(one) == (pins[one.number]['x'] < corners[1][0] - 22)
    assert {zone.contains(one) for one in findings} == {True, False}
    assert not kept(drawn / 'inspection.gpkg')  # no key or click decided of a finding
    write_report(drawn, ReportSettings(output=tmp_path))
    assert 'North &lt;b&gt;hall&lt;/b&gt;' in (tmp_path / 'report.html').read_text('utf-8')
    tab.close()


def test_an_area_is_drawn_by_touch_on_a_phone_and_deleted(site, browser, drawn):
    width, height = SIZES['phone']
    context = browser.new_context(viewport={'width': width, 'height': height}, has_touch=True)
    context.set_default_timeout(120_000)
    tab = context.new_page()
    tab.goto(f'{site.address}review/inspections/drawn')
    tab.locator('#rows li').nth(1).wait_for()
    tab.locator('#views button[data-view="map"]').tap()
    spots(tab)
    begin(tab, 'Inspection area')
    tab.get_by_label('Your name').last.fill('E. F.')
    tab.locator('dialog').get_by_role('button', name='Save').tap()
    tab.locator('#map.is-drawing').wait_for()
    corners = spots(tab, (0.1, 0.5), (0.9, 0.5), (0.5, 0.9))
    for at in (*corners, corners[0]):
        tab.touchscreen.tap(*at)
    listed(tab, 'Inspection area').wait_for()
    area = json.loads((drawn / 'area.geojson').read_text())
    assert area['features'][0]['properties']['who'] == 'E. F.'
    assert len(area['features'][0]['geometry']['coordinates'][0]) == 4
    assert tab.get_by_role('button', name='+ Inspection area').is_disabled()
    listed(tab, 'Inspection area').tap()
    tab.get_by_role('button', name='Delete').tap()
    with tab.expect_response('**/outlines/area'):
        tab.locator('dialog').get_by_role('button', name='Delete').tap()
    assert not (drawn / 'area.geojson').exists()
    context.close()


def test_the_later_of_two_who_draw_at_once_sees_the_other_zone_and_loses_none(open_review, drawn):
    """The second one draws with keys alone."""
    (drawn / 'zones.geojson').unlink(missing_ok=True)
    first, second = (open_review(who, name='drawn', is_heard=False) for who in ('A. B.', 'C. D.'))
    spots(second)
    second.keyboard.press('d')
    second.keyboard.press('Enter')
    name_zone(second, 'Keys')
    for key in ('Space', 'ArrowRight', 'Space', 'ArrowDown', 'Space'):
        count_before = second.evaluate('outlines.corners.length')
        second.keyboard.press(key)
        if key == 'Space':
            second.wait_for_function('n => outlines.corners.length > n', arg=count_before)
        else:
            second.wait_for_function(
                """() => { const at = map.map.latLngToContainerPoint(outlines.corners.at(-1));
                  const isMoving = map.map._panAnim?._inProgress;
                  return !isMoving && at.distanceTo(map.map.getSize().divideBy(2)) > 40; }"""
            )
    saved = []
    second.on('request', lambda asked: asked.method == 'POST' and saved.append(asked))
    # It does not see the other zone before it saves its own.
    second.route('**/outlines', lambda route: route.continue_() if saved else route.abort())
    begin(first, 'Zone')
    name_zone(first, 'Mouse')
    corners = spots(first, (0.1, 0.2), (0.9, 0.2), (0.9, 0.5))
    for at in (*corners, corners[0]):
        first.mouse.click(*at)
    listed(first, 'Mouse').wait_for()
    with second.expect_response('**/outlines/zones') as refused:
        second.keyboard.press('Enter')
    assert refused.value.status == 409
    shown(second, 'Mouse').wait_for()
    second.get_by_text('press Finish again').wait_for()
    second.keyboard.press('Enter')
    listed(second, 'Keys').wait_for()
    shown(first, 'Keys').wait_for()
    names = [one.name for one in read_zones(drawn / 'zones.geojson')]
    assert names == ['Mouse', 'Keys']
    for tab in (first, second):
        tab.close()


@pytest.mark.parametrize('size', SIZES)
def test_drawing_fits_into_the_map(open_review, drawn, size):
    tab = open_review('A. B.', size, name='drawn', is_heard=False)
    tab.evaluate("setView('map')")
    spots(tab)
    begin(tab, 'Zone')
    name_zone(tab, 'A zone with a name that is long enough for two lines on a phone')
    for at in spots(tab, (0.2, 0.75), (0.8, 0.75), (0.7, 0.95)):
        tab.mouse.click(*at)
    found = [tab.evaluate(MISFITS)]
    map_box, panel = (tab.locator(one).bounding_box() for one in ('#map', '.drawing'))
    assert panel['y'] + panel['height'] <= map_box['y'] + map_box['height']
    assert panel['height'] < 0.6 * map_box['height']
    tab.keyboard.press('Escape')
    found.append(tab.evaluate(MISFITS))
    tab.keyboard.press('Escape')
    tab.locator('.drawing').wait_for(state='hidden')
    assert found == [[], []]
    tab.close()


def test_nothing_comes_from_elsewhere_and_nothing_is_missing(page, asked):
    urls = [one for one in asked if isinstance(one, str)]
    foreign = [url for url in urls if urlsplit(url).hostname not in ('127.0.0.1', None)]
    # What is locked for a moment is asked for again.
    missing = [one for one in asked if isinstance(one, tuple) and 400 <= one[0] != 503]
    assert urls and not foreign
    assert not missing
