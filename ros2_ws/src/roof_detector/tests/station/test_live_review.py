# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A simulated flight with detector and inspector, reviewed in a real browser while it lasts."""

from __future__ import annotations

import pytest

from roof_detector.findings.store_reader import open_reader

INSPECTOR = 'ros.inspector.inspector_node'


@pytest.fixture(scope='module')
def site(inspecting):
    return inspecting


@pytest.fixture(scope='module')
def page(site, new_page):
    return new_page()


@pytest.fixture(scope='module')
def review(site, page, new_page):
    page.get_by_text('each object once').wait_for()  # from here on there is an inspection
    review = new_page()
    review.add_init_script("localStorage.setItem('reviewer', JSON.stringify('A. B.'))")
    review.goto(f'{site.address}review/inspections/roof')
    review.locator('#rows li').first.wait_for()
    return review


def test_this_flight_lists_each_object_once_and_leads_to_its_review(page, review):
    card = page.locator('.station-card', has_text='This flight')
    numbers = card.locator('td:nth-child(2):visible').all_inner_texts()
    assert numbers and len(set(numbers)) == len(numbers)
    assert card.get_by_role('link', name='Review').get_attribute('href') == (
        '/review/inspections/roof'
    )


def test_a_decision_during_the_flight_outlasts_it(site, review):
    """The inspector writes twice a second, and once more at its end."""
    review.locator('#link', has_text='live').wait_for()
    number = review.locator('#rows li').first.get_attribute('data-number')
    row = review.locator(f'#rows li[data-number="{number}"]')
    row.click()
    # A button that is pressed while news arrive is clicked all the same.
    review.locator('.actions button[data-key="c"]').click(delay=700)
    row.locator('.pin.decided').wait_for()
    review.wait_for_function('!store.pending.length')
    shown = review.locator('#rows img')
    shown.first.wait_for()
    review.wait_for_function(
        "[...document.querySelectorAll('#rows img')].some((one) => one.naturalWidth === 96)"
    )
    code, _ = site.graph.stop(site.processes[INSPECTOR], within_s=180.0)
    assert code == 0
    with open_reader(site.folder / 'inspections/roof/inspection.gpkg') as reader:
        assert [(one.who, one.kind.value) for one in reader.decisions()] == [('A. B.', 'confirm')]
        decided = [one.number for one in reader.decided().findings if one.decided]
        assert decided == [int(number)]
        listed = len(reader.findings())
    review.wait_for_function(f'store.findings.size === {listed}')
    assert row.locator('.pin.decided').count() == 1
