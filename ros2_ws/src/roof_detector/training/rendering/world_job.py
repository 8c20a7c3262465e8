# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The rendering job of one world of a set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.simulation import RoofWorld, SurveyFlight
from training.rendering.composition import Composition
from training.rendering.labels import LabelledFrame, box_lines, segment_lines
from training.rendering.photo_ground import PhotoGround, find_images, read_image
from training.rendering.scene import random_flight, random_pose, random_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from roof_detector.georeference.pose import CameraPose
    from training.rendering.recipe import DatasetConfig

# A world that shows mostly empty frames is left after this many tries per frame.
TRIES_PER_FRAME = 4
# Windows of real images are this much larger than a frame's diagonal, and are used this often.
WINDOW_SHARE = 1.25
FRAMES_PER_WINDOW = 3


@dataclass(frozen=True, kw_only=True)
class WorldJob:
    """The frames of a split that one world gives; `world` is its number in the set."""

    config: DatasetConfig
    world: int
    split: str
    first: int
    count: int


def jobs(config: DatasetConfig) -> Iterator[WorldJob]:
    """Return the worlds of all frames; validation worlds have seeds of their own."""
    world = 0
    for split, total in (
        ('train', config.frames - config.val_frames),
        ('val', config.val_frames),
    ):
        for first in range(0, total, config.frames_per_world):
            count = min(config.frames_per_world, total - first)
            yield WorldJob(config=config, world=world, split=split, first=first, count=count)
            world += 1


def render(job: WorldJob) -> int:
    """Render one world's frames and write images and labels; return how many.

    The content depends on the set's seed and the world's number alone, never on the process.
    """
    cv2.setNumThreads(1)
    kept = 0
    successor = 0
    while kept < job.count:
        rng = np.random.default_rng([job.config.seed, 7, job.world, successor])
        over_photo = job.config.backgrounds and rng.random() < job.config.background_share
        frames = _composed if over_photo else _frames
        for frame in frames(job.config, rng, tries=TRIES_PER_FRAME * job.count):
            _write(frame, job, job.first + kept)
            kept += 1
            if kept == job.count:
                break
        successor += 1
    return kept


def _frames(
    config: DatasetConfig, rng: np.random.Generator, *, tries: int
) -> Iterator[LabelledFrame]:
    """Render frames of one world, from hovering poses and from a survey's path."""
    seed = int(rng.integers(2**30))
    plain = rng.random() < config.default_world_share
    world = RoofWorld.generate(seed=seed, config=None if plain else random_world(rng))
    size_wh = (config.size_wh[0] * config.render_scale, config.size_wh[1] * config.render_scale)
    for _ in range(tries):
        camera = random_flight(rng, size_wh, altitude_m=config.altitude_m)
        flight = SurveyFlight(world, camera, seed=int(rng.integers(2**30)))
        index = int(rng.integers(len(flight)))
        stamp_s = index / camera.rate_hz
        if rng.random() < config.survey_share:
            pose = flight.path.pose(stamp_s)
        else:
            pose = random_pose(world, camera, rng, near_share=config.near_share)
        keeps_empty = rng.random() < config.empty_share
        if not keeps_empty and not _may_show(world, flight, pose):
            continue
        frame = flight.render(pose, index=index, stamp_s=stamp_s)
        if keeps_empty or len(frame.class_ids) > 0:
            yield frame


def _composed(
    config: DatasetConfig, rng: np.random.Generator, *, tries: int
) -> Iterator[LabelledFrame]:
    """Render frames over real images, a few from each window of an image."""
    if config.backgrounds is None:
        return
    images = find_images(config.backgrounds)
    side = int(WINDOW_SHARE * np.hypot(*config.size_wh))
    for first in range(0, tries, FRAMES_PER_WINDOW):
        photo = read_image(images[int(rng.integers(len(images)))])
        ground = PhotoGround.cut(
            photo, side_px=side, metres_per_px=config.background_m_per_px, rng=rng
        )
        composition = Composition(ground, rng, parapet_share=config.parapet_share)
        for _ in range(min(FRAMES_PER_WINDOW, tries - first)):
            frame = composition.frame(config.size_wh, scale=config.render_scale)
            if len(frame.class_ids) > 0 or rng.random() < config.empty_share:
                yield frame


def _may_show(world: RoofWorld, flight: SurveyFlight, pose: CameraPose) -> bool:
    """Return whether a labelled object's centre is in view, so that rendering is worthwhile."""
    if not world.instances:
        return False
    places = np.stack([instance.position_enu for instance in world.instances])
    pixels = flight.camera.project(pose.to_optical(places))
    return bool(((pixels >= 0) & (pixels < flight.camera.size_wh)).all(axis=1).any())


def _write(frame: LabelledFrame, job: WorldJob, number: int) -> None:
    """Write a frame's image, reduced as the node's letterbox does, and its label file."""
    name = f'{job.split}_{number:06d}'
    path = job.config.output / 'images' / job.split / f'{name}.jpg'
    labels = job.config.output / 'labels' / job.split / f'{name}.txt'
    for folder in (path.parent, labels.parent):
        folder.mkdir(parents=True, exist_ok=True)
    image: cv2.typing.MatLike = frame.image_bgr
    if job.config.render_scale > 1:
        image = cv2.resize(image, job.config.size_wh, interpolation=cv2.INTER_LINEAR)
    _write_image(path, image)
    lines = segment_lines(frame) if job.config.segments else box_lines(frame)
    labels.write_text(''.join(f'{line}\n' for line in lines))


def _write_image(path: Path, image: cv2.typing.MatLike) -> None:
    if not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95]):
        msg = f'{path} cannot be written; check the folder and the free space.'
        raise OSError(msg)
