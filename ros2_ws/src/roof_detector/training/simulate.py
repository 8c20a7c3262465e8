# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Render a training set of simulated frames in the ultralytics layout.

Run as `python -m training.simulate --output DIR --frames 1000 --seed 1`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from roof_detector.geo.pose import CameraPose
from roof_detector.simulation import (
    CLASS_NAMES,
    ROOF_KINDS,
    FlightConfig,
    FlightFrame,
    RoofWorld,
    SurveyFlight,
    WorldConfig,
)

# Flat roofs carry most of the five classes; weathered concrete is the commonest of them.
KIND_WEIGHTS = {
    'concrete': 0.34,
    'gravel': 0.12,
    'bitumen': 0.16,
    'membrane': 0.14,
    'metal': 0.16,
    'tile': 0.08,
}
MINIMUM_POLYGON_AREA_PX = 4.0


@dataclass(frozen=True)
class DatasetConfig:
    """Hold what is rendered: how many frames, how large, from which seeds."""

    output: Path
    frames: int
    seed: int = 0
    size: int = 640
    val_fraction: float = 0.12
    frames_per_world: int = 10
    segments: bool = False

    def __post_init__(self) -> None:
        if self.frames < 1 or self.frames_per_world < 1:
            raise ValueError(f'{self.frames} frames cannot be rendered; ask for one or more.')
        if not 0 <= self.val_fraction < 1:
            raise ValueError(f'val_fraction is {self.val_fraction}; give 0 up to below 1.')
        if self.size < 64:
            raise ValueError(f'size is {self.size}; give the longest side, 64 pixels or more.')


@dataclass(frozen=True)
class WorldJob:
    """Hold one world's share of the dataset."""

    config: DatasetConfig
    world: int
    split: str
    first: int
    count: int


def jobs(config: DatasetConfig) -> Iterator[WorldJob]:
    """Split the frames into worlds; validation worlds have seeds of their own."""
    validation = round(config.frames * config.val_fraction)
    world = 0
    for split, total in (('train', config.frames - validation), ('val', validation)):
        for first in range(0, total, config.frames_per_world):
            count = min(config.frames_per_world, total - first)
            yield WorldJob(config, world, split, first, count)
            world += 1


def render(job: WorldJob) -> int:
    """Render one world's frames and write images and labels; return how many."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([job.config.seed, 7, job.world])
    seed = int(rng.integers(2**31))
    world = RoofWorld.generate(seed=seed, config=random_world(rng))
    for i in range(job.count):
        flight = SurveyFlight(world, random_flight(rng, job.config.size), seed=seed + i)
        pose = random_pose(world, flight.config, rng)
        stamp_s = float(rng.uniform(0, 60))
        write(flight.render(pose, index=i, stamp_s=stamp_s), job, job.first + i, rng)
    return job.count


def random_world(rng: np.random.Generator) -> WorldConfig:
    """Draw what a world contains."""
    weights = np.array([KIND_WEIGHTS[kind] for kind in ROOF_KINDS])
    kind = str(rng.choice(ROOF_KINDS, p=weights / weights.sum()))
    return WorldConfig(
        roof_kinds=(kind,),
        building_count=(1, 2),
        roof_area_m2=(250.0, 900.0),
        texture_metres_per_px=float(rng.choice([0.016, 0.02, 0.025])),
        equipment_density=float(rng.uniform(0.4, 1.6)),
        defect_density=float(rng.uniform(0.3, 1.2)),
        clutter_density=float(rng.uniform(0.2, 2.5)),
        tree_count=(2, 10),
    )


def random_flight(rng: np.random.Generator, size: int) -> FlightConfig:
    """Draw a height, a camera and its faults; most frames are 16:9, some square or 4:3."""
    aspect = float(rng.choice([9 / 16, 0.6, 0.75, 1.0], p=[0.45, 0.25, 0.1, 0.2]))
    height = max(round(size * aspect / 32) * 32, 64)
    return FlightConfig(
        size_wh=(size, min(height, size)),
        focal_ratio=float(rng.uniform(0.65, 1.35)),
        # Denser where roofs are inspected, with tails from close range to mapping height.
        altitude_m=float(
            np.exp(rng.uniform(np.log(5), np.log(60)) * 0.7 + 0.3 * np.log(15))
            if rng.random() < 0.75
            else rng.uniform(5, 60)
        ),
        tilt_deg=float(rng.choice([0.0, rng.uniform(0, 30)], p=[0.7, 0.3])),
        wobble_deg=float(rng.uniform(0, 4)),
        motion_blur_s=float(rng.choice([0.001, rng.uniform(0, 0.02)])),
        defocus_px=float(rng.uniform(0.3, 1.1)),
        noise=float(rng.uniform(0.5, 7)),
        exposure_swing=float(rng.uniform(0, 0.4)),
        contrast=float(rng.uniform(0.8, 1.6)),
        vignetting=float(rng.uniform(0, 0.5)),
        jpeg_quality=int(rng.integers(35, 97)) if rng.random() < 0.85 else None,
    )


def random_pose(world: RoofWorld, config: FlightConfig, rng: np.random.Generator) -> CameraPose:
    """Hover with any heading, half the time near a thing of a class drawn evenly."""
    things = world.instances
    building = world.buildings[int(rng.integers(len(world.buildings)))]
    if things and rng.random() < 0.5:
        present = sorted({thing.class_id for thing in things})
        wanted = int(rng.choice(present))
        near = [thing for thing in things if thing.class_id == wanted]
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


def write(frame: FlightFrame, job: WorldJob, number: int, rng: np.random.Generator) -> None:
    """Write a frame's picture and its label file."""
    name = f'{job.split}_{number:06d}'
    pictures = job.config.output / 'images' / job.split
    labels = job.config.output / 'labels' / job.split
    for folder in (pictures, labels):
        folder.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    path = pictures / f'{name}.jpg'
    if not cv2.imwrite(str(path), frame.image_bgr, quality):
        raise OSError(f'{path} cannot be written; check the folder and the free space.')
    lines = segment_lines(frame) if job.config.segments else box_lines(frame)
    (labels / f'{name}.txt').write_text(''.join(f'{line}\n' for line in lines))


def box_lines(frame: FlightFrame) -> list[str]:
    """Return YOLO lines: class, centre x, y, width, height as shares of the image."""
    height, width = frame.image_bgr.shape[:2]
    out = []
    for (x0, y0, x1, y1), class_id in zip(frame.boxes_xyxy, frame.class_ids, strict=True):
        middle = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height)
        extent = ((x1 - x0) / width, (y1 - y0) / height)
        out.append(f'{class_id} ' + ' '.join(f'{value:.6f}' for value in (*middle, *extent)))
    return out


def segment_lines(frame: FlightFrame) -> list[str]:
    """Return YOLO segmentation lines: class and the outline of the visible mask.

    A mask in several pieces becomes one outline that runs over and back along thin bridges.
    """
    height, width = frame.image_bgr.shape[:2]
    out = []
    for i, class_id in enumerate(frame.class_ids):
        outline = outline_of(frame.mask == i + 1)
        if outline is None:
            continue
        points = (outline + 0.5) / (width, height)
        out.append(f'{class_id} ' + ' '.join(f'{value:.6f}' for value in points.reshape(-1)))
    return out


def outline_of(mask: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Return the outer contour (n, 2) of a mask in pixels, its pieces joined where nearest."""
    contours, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    pieces = [contour[:, 0].astype(np.float64) for contour in contours if len(contour) >= 3]
    pieces.sort(key=len, reverse=True)
    if not pieces:
        return None
    joined = pieces[0]
    for piece in pieces[1:12]:
        gaps = np.linalg.norm(joined[:, None] - piece[None], axis=2)
        i, j = np.unravel_index(int(np.argmin(gaps)), gaps.shape)
        loop = np.concatenate([piece[j:], piece[: j + 1]])
        joined = np.concatenate([joined[: i + 1], loop, joined[i:]])
    return joined


def render_dataset(config: DatasetConfig, *, workers: int = 1) -> None:
    """Render all worlds, with a progress bar, and write data.yaml."""
    config.output.mkdir(parents=True, exist_ok=True)
    names = ''.join(f'  {i}: {name}\n' for i, name in enumerate(CLASS_NAMES))
    text = (
        f'path: {config.output.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{names}'
    )
    (config.output / 'data.yaml').write_text(text)
    # Both splits grow from the start, so that an interrupted run leaves a usable set.
    todo = sorted(jobs(config), key=lambda job: job.first)
    with tqdm(total=config.frames, unit='frame') as bar:
        if workers <= 1:
            for job in todo:
                bar.update(render(job))
            return
        with ProcessPoolExecutor(workers) as pool:
            for count in pool.map(render, todo):
                bar.update(count)


def main() -> None:
    """Read the command line and render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', type=Path, required=True, help='folder of the dataset')
    parser.add_argument('--frames', type=int, required=True, help='train and val together')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--size', type=int, default=640, help="the image's longest side")
    parser.add_argument('--val-fraction', type=float, default=0.12)
    parser.add_argument('--frames-per-world', type=int, default=10)
    parser.add_argument('--segments', action='store_true', help='write polygons, not boxes')
    parser.add_argument('--workers', type=int, default=1, help='processes')
    args = parser.parse_args()
    config = DatasetConfig(
        args.output,
        args.frames,
        args.seed,
        args.size,
        args.val_fraction,
        args.frames_per_world,
        args.segments,
    )
    render_dataset(config, workers=args.workers)


if __name__ == '__main__':
    main()
