# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Random worlds, cameras and poses for a set."""

from __future__ import annotations

import numpy as np

from roof_detector.georeference.pose import CameraPose
from roof_detector.simulation import ROOF_KINDS, FlightConfig, RoofWorld, WorldConfig

# Flat roofs carry most of the five classes; weathered concrete is the most common of them.
KIND_WEIGHTS = {
    'concrete': 0.34,
    'gravel': 0.12,
    'bitumen': 0.16,
    'membrane': 0.14,
    'metal': 0.16,
    'tile': 0.08,
}


def random_world(rng: np.random.Generator) -> WorldConfig:
    """Return a random world, wider than the default: bare and crowded, small and large."""
    weights = np.array([KIND_WEIGHTS[kind] for kind in ROOF_KINDS])
    kind = str(rng.choice(ROOF_KINDS, p=weights / weights.sum()))
    return WorldConfig(
        roof_kinds=(kind,),
        building_count=(1, 2),
        roof_area_m2=(250.0, 900.0),
        # A low sun casts shadows up to six times an object's height.
        sun_elevation_deg=(10.0, 80.0),
        texture_metres_per_px=float(rng.choice([0.016, 0.02, 0.025])),
        equipment_density=float(rng.uniform(0.4, 1.6)),
        defect_density=float(rng.uniform(0.3, 1.2)),
        clutter_density=float(rng.uniform(0.2, 2.5)),
        tree_count=(2, 10),
    )


def random_flight(
    rng: np.random.Generator, size_wh: tuple[int, int], *, altitude_m: tuple[float, float]
) -> FlightConfig:
    """Return a random height, uniform in its logarithm, and a camera with its faults."""
    low, high = np.log(altitude_m)
    return FlightConfig(
        size_wh=size_wh,
        altitude_m=float(np.exp(rng.uniform(low, high))),
        focal_ratio=float(rng.uniform(0.7, 1.0)),
        wobble_deg=float(rng.uniform(0, 3)),
        motion_blur_s=float(rng.uniform(0, 0.008)),
        defocus_px=float(rng.uniform(0.3, 1.1)),
        noise=float(rng.uniform(1, 5)),
        contrast=float(rng.uniform(0.9, 1.4)),
        vignetting=float(rng.uniform(0, 0.5)),
        exposure_swing=float(rng.uniform(0, 0.3)),
        jpeg_quality=int(rng.integers(60, 96)),
        white_balance=float(rng.uniform(0, 0.06)),
        haze=_sometimes(rng, 0.2, 0.05, 0.4),
        chromatic_px=_sometimes(rng, 0.25, 0.3, 2.0),
        distortion=_sometimes(rng, 0.15, -0.15, 0.08),
        rolling_shutter_px=_sometimes(rng, 0.15, 1.0, 10.0),
        tilt_deg=0.0 if rng.random() < 0.7 else float(rng.uniform(0, 20)),
    )


def _sometimes(rng: np.random.Generator, share: float, low: float, high: float) -> float:
    """Return a random value from a range for a share of the cameras, 0 for the others."""
    value = float(rng.uniform(low, high))
    return value if rng.random() < share else 0.0


def random_pose(
    world: RoofWorld, config: FlightConfig, rng: np.random.Generator, *, near_share: float = 0.5
) -> CameraPose:
    """Return a hovering pose of any heading, sometimes near an object of a random class."""
    instances = world.instances
    building = world.buildings[int(rng.integers(len(world.buildings)))]
    if instances and rng.random() < near_share:
        present = sorted({instance.class_id for instance in instances})
        wanted = int(rng.choice(present))
        near = [instance for instance in instances if instance.class_id == wanted]
        spot = near[int(rng.integers(len(near)))].position_enu.copy()
        reach = 0.4 * config.altitude_m / config.focal_ratio
        spot[:2] += rng.uniform(-reach, reach, 2) * (1, config.size_wh[1] / config.size_wh[0])
        building = min(
            world.buildings,
            key=lambda b: float(np.hypot(*(np.array(b.footprint.centre_xy) - spot[:2]))),
        )
    else:
        roof = building.roofs[int(rng.integers(len(building.roofs)))]
        a, b, _, d = roof.corners
        share = rng.uniform(0.0, 1.0, 2)
        spot = a + share[0] * (b - a) + share[1] * (d - a)
    spot[2] = max(r.corners[:, 2].max() for r in building.roofs) + config.altitude_m
    back = config.altitude_m * np.tan(np.radians(config.tilt_deg))
    yaw = rng.uniform(0, 2 * np.pi)
    spot[:2] -= back * np.array([np.cos(yaw), np.sin(yaw)])
    return CameraPose.looking_down(
        spot,
        yaw_deg=float(np.degrees(yaw)),
        pitch_deg=config.tilt_deg + float(rng.normal(0, 0.6) * config.wobble_deg),
        roll_deg=float(rng.normal(0, 0.6) * config.wobble_deg),
    )
