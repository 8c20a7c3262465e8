# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roof_detector.simulation import (
    CLASS_NAMES,
    ROOF_KINDS,
    RoofWorld,
    SimulationError,
    WorldConfig,
)


def test_a_bare_world_has_no_labelled_things(small_config: WorldConfig) -> None:
    bare = replace(
        small_config,
        equipment_density=0.0,
        defect_density=0.0,
        clutter_density=0.0,
        texture_metres_per_px=0.08,
    )
    assert RoofWorld.generate(seed=1, config=bare).instances == ()


@pytest.mark.parametrize('kind', ROOF_KINDS)
def test_every_kind_of_roof_is_built_with_ids_that_are_its_own(
    kind: str, small_config: WorldConfig
) -> None:
    config = replace(small_config, roof_kinds=(kind,), texture_metres_per_px=0.08)
    world = RoofWorld.generate(seed=2, config=config)
    assert {building.footprint.kind for building in world.buildings} == {kind}
    ids = [thing.instance_id for thing in world.instances]
    assert len(set(ids)) == len(ids)
    assert all(instance_id > 0 for instance_id in ids)


def test_every_class_appears_within_a_few_worlds(small_config: WorldConfig) -> None:
    config = replace(small_config, texture_metres_per_px=0.06)
    worlds = [RoofWorld.generate(seed=seed, config=config) for seed in range(4)]
    seen = {thing.class_id for world in worlds for thing in world.instances}
    assert seen == set(range(len(CLASS_NAMES)))


def test_things_lie_on_a_roof(world: RoofWorld) -> None:
    for thing in world.instances:
        distances = [b.footprint.distance_to(thing.position_enu[:2]) for b in world.buildings]
        assert min(distances) < 0.4
        assert thing.position_enu[2] >= min(b.footprint.height for b in world.buildings) - 0.5


def test_a_seed_gives_the_same_world_and_another_seed_another(small_config: WorldConfig) -> None:
    config = replace(small_config, texture_metres_per_px=0.08)
    first, again, other = (RoofWorld.generate(seed=s, config=config) for s in (4, 4, 5))
    roof = first.buildings[0].roofs[0].texture.levels[0]
    same = again.buildings[0].roofs[0].texture.levels[0]
    np.testing.assert_array_equal(roof.image_bgr, same.image_bgr)
    np.testing.assert_array_equal(roof.ids, same.ids)
    different = other.buildings[0].roofs[0].texture.levels[0].image_bgr
    assert roof.image_bgr.shape != different.shape or (roof.image_bgr != different).any()


@pytest.mark.parametrize(
    ('field', 'value', 'words'),
    [
        ('roof_kinds', ('thatch',), 'choose from'),
        ('roof_kinds', (), 'choose from'),
        ('roof_area_m2', (500.0, 100.0), 'lowest, highest'),
        ('building_count', (0, 2), 'needs a building'),
        ('texture_metres_per_px', 1.0, '0.005 to 0.1'),
        ('clutter_density', -1.0, 'below zero'),
        ('sun_elevation_deg', (0.0, 40.0), 'within 5 and 90'),
        ('direct_light', (0.5, 1.5), 'within 0 and 1'),
        ('wetness', (0.0, 2.0), 'within 0 and 1'),
    ],
)
def test_a_config_that_makes_no_world_is_refused(field: str, value: object, words: str) -> None:
    with pytest.raises(SimulationError, match=words):
        WorldConfig(**{field: value})
