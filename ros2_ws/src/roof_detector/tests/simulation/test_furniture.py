# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.simulation.props.clutter import CLUTTER
from roof_detector.simulation.props.equipment import EQUIPMENT
from roof_detector.simulation.props.parapet import ParapetStyle, parapets
from roof_detector.simulation.world.light import Light
from roof_detector.simulation.world.maker import Maker
from roof_detector.simulation.world.roofing import Footprint
from roof_detector.simulation.world.shade import in_shade
from roof_detector.simulation.world.solid import UP, solid_from

LIGHT = Light(azimuth_deg=30.0, elevation_deg=50.0, direct=0.8)
BASE = np.array([3.0, -2.0, 8.0])


def maker(seed: int) -> Maker:
    return Maker(LIGHT, np.random.default_rng(seed))


@pytest.mark.parametrize('builder', [row[0] for row in CLUTTER], ids=lambda b: b.__name__)
def test_clutter_carries_no_label_and_stands_on_the_roof_within_its_extent(builder) -> None:
    for seed in range(2):
        solid = builder(BASE, yaw=0.4, make=maker(seed))
        assert all(facet.instance == 0 for facet in solid.facets)
        corners = solid.outline
        assert corners[:, 2].min() >= BASE[2] - 0.5
        assert 0.02 < solid.height < 9.0
        assert np.abs(corners[:, :2] - BASE[:2]).max() < 7.0
        assert min(solid.foot_extent) > 0


@pytest.mark.parametrize('builder', [row[0] for row in EQUIPMENT], ids=lambda b: b.__name__)
def test_a_unit_is_labelled_and_what_carries_it_is_not(builder) -> None:
    raised = 0
    for seed in range(4):
        solid = builder(BASE, yaw=0.4, make=maker(seed), instance=7)
        owners = {facet.instance for facet in solid.facets}
        assert 7 in owners and owners <= {0, 7}
        labelled = np.concatenate([f.corners for f in solid.facets if f.instance == 7])
        np.testing.assert_array_equal(solid.outline, labelled)
        raised += 0 in owners
    assert raised > 0 or builder.__name__ != 'split_unit'


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**31))
def test_a_parapet_keeps_to_the_edge_of_its_roof(seed: int) -> None:
    footprint = Footprint(
        centre_xy=(0.0, 0.0), size=(9.0, 6.0), yaw=0.0, height=6.0, kind='concrete', pitch=0.0
    )
    depth, built = parapets(footprint, maker(seed))
    corners = np.concatenate([solid.outline for solid in built])
    inward = np.minimum(4.5 - np.abs(corners[:, 0]), 3.0 - np.abs(corners[:, 1]))
    # Only a coping overhangs, by 6 cm at most, and piers are up to 40 cm wide at the corners.
    assert inward.min() >= -0.25
    assert inward.max() <= depth + 0.1
    assert all(facet.instance == 0 for solid in built for facet in solid.facets)


def test_some_parapets_have_niches_some_piers_some_copings_and_some_none() -> None:
    styles = [ParapetStyle.draw(np.random.default_rng(seed)) for seed in range(60)]
    for name in ('setback', 'pilaster', 'coping'):
        values = [getattr(style, name) for style in styles]
        assert min(values) == 0
        assert max(values) > 0.05


def test_nothing_is_in_the_shade_where_nothing_stands() -> None:
    assert not in_shade(BASE, LIGHT.to_sun, ())


def test_a_place_behind_a_wall_is_in_its_shade_and_one_before_it_is_not() -> None:
    facets = maker(0).box(BASE, (0.3, 4.0, 2.0), yaw=np.radians(30), colour=(99.0, 99.0, 99.0))
    wall = solid_from(facets, BASE, half_extent=(0.15, 2.0), yaw=np.radians(30))
    away = np.array([np.cos(np.radians(30)), np.sin(np.radians(30)), 0.0])
    assert in_shade(BASE - 0.8 * away, LIGHT.to_sun, [wall])
    assert not in_shade(BASE + 0.8 * away, LIGHT.to_sun, [wall])
    # The sun stands at 50 degrees: behind 2 m of wall the shade ends after 1.7 m.
    assert not in_shade(BASE - 2.2 * away, LIGHT.to_sun, [wall])


def test_a_blocked_sun_dims_a_lid_as_a_shadow_dims_the_roof() -> None:
    dim = replace(LIGHT, blocked=True).gain(UP)
    assert dim == pytest.approx(1 - LIGHT.shade_strength, abs=0.12)
    assert dim < LIGHT.gain(UP)
