# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest

from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight, WorldConfig

SMALL = WorldConfig(
    roof_kinds=('concrete',),
    building_count=(1, 1),
    roof_area_m2=(160.0, 200.0),
    margin_m=5.0,
    texture_metres_per_px=0.03,
    equipment_density=4.0,
    defect_density=4.0,
    tree_count=(1, 2),
)
CAMERA = FlightConfig(size_wh=(320, 192), altitude_m=12.0)


@pytest.fixture(scope='session')
def world() -> RoofWorld:
    return RoofWorld.generate(seed=3, config=SMALL)


@pytest.fixture(scope='session')
def flight(world: RoofWorld) -> SurveyFlight:
    return SurveyFlight(world, CAMERA, seed=5)


@pytest.fixture(scope='session')
def small_config() -> WorldConfig:
    return SMALL
