# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from roof_detector.simulation import CLASS_NAMES
from roof_detector.simulation.world.solid import axes_of
from training import simulate
from training.errors import TrainingError
from training.rendering.composition import Composition
from training.rendering.photo_ground import PhotoGround, find_images

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.simulation.world.solid import Solid

SIDE_PX = 500


def photo(*, seed: int = 0) -> np.ndarray:
    """Even sand on the left, something as rough as a tree on the right."""
    rng = np.random.default_rng(seed)
    image = np.full((SIDE_PX, SIDE_PX, 3), (150, 170, 185), np.float32)
    image += rng.normal(0, 3, image.shape)
    trees = rng.normal(0, 70, (SIDE_PX // 5, SIDE_PX // 10, 3)).repeat(5, 0).repeat(5, 1)
    image[:, SIDE_PX // 2 :] += trees
    return np.clip(image, 0, 255).astype(np.uint8)


def composition(*, seed: int = 3, metres_per_px: float = 0.04) -> Composition:
    return Composition(PhotoGround(photo(), metres_per_px), np.random.default_rng(seed))


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match='has no images'):
        find_images(tmp_path)
    options = ['--output', str(tmp_path / 'set'), '--frames', '2', '--backgrounds', str(tmp_path)]
    assert simulate.main(options) == 2
    assert not (tmp_path / 'set').exists()


def test_boxes_are_the_extent_of_their_masks_over_an_image() -> None:
    laid = composition()
    labels = 0
    for _ in range(3):
        frame = laid.frame((320, 192), scale=1)
        assert frame.image_bgr.shape == (192, 320, 3)
        assert frame.mask.max(initial=0) <= len(frame.boxes_xyxy)
        for i, box in enumerate(frame.boxes_xyxy):
            rows, columns = np.nonzero(frame.mask == i + 1)
            extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_array_equal(box, extent)
        labels += len(frame.class_ids)
        assert set(frame.class_ids.tolist()) <= set(range(len(CLASS_NAMES)))
    assert labels > 0


def test_things_keep_off_trees() -> None:
    places = np.concatenate(
        [[thing.position_enu for thing in composition(seed=s)._instances] for s in range(3)]
    )
    assert len(places) > 5
    # The image's middle is the origin; a broad object on the left may lap over it.
    assert (places[:, 0] < 1.5).all()


def test_the_same_seed_composes_the_same_frame() -> None:
    first, second = (composition().frame((320, 192), scale=1) for _ in range(2))
    np.testing.assert_array_equal(first.image_bgr, second.image_bgr)
    np.testing.assert_array_equal(first.mask, second.mask)


def test_units_stand_in_rows_along_a_parapet_where_asked() -> None:
    ground = PhotoGround(photo(), 0.04)
    pairs, units = 0, 0
    for seed in range(4):
        laid = Composition(ground, np.random.default_rng(seed), parapet_share=1.0)
        walls = [solid for solid in laid._solids if solid.instance == 0]
        spots = [thing.position_enu for thing in laid._instances if thing.solid]
        for spot in spots:
            assert any(stands_along(wall, spot) for wall in walls)
            pairs += sum(0 < np.linalg.norm(spot - other) < 1.85 for other in spots)
        units += len(spots)
        numbers = [thing.instance_id for thing in laid._instances]
        assert len(set(numbers)) == len(numbers)
    assert units > 0
    assert pairs > 0


def stands_along(wall: Solid, spot: np.ndarray) -> bool:
    """Return whether a place is beside a wall that is longer than it is thick."""
    ahead, left = axes_of(wall.yaw)
    along, away = abs((spot - wall.base) @ ahead), abs((spot - wall.base) @ left)
    length, thick = wall.half_extent
    return length > 2 * thick and along < length and thick < away < 1.0


def test_the_stated_resolution_sets_the_size_of_things() -> None:
    fine, coarse = (
        np.median(
            [
                np.ptp(thing.outline[:, :2], axis=0).max() / metres_per_px
                for seed in range(4)
                for thing in composition(seed=seed, metres_per_px=metres_per_px)._instances
                if thing.solid
            ]
        )
        for metres_per_px in (0.03, 0.06)
    )
    assert 1.3 < fine / coarse < 3.2


def test_a_set_over_images_has_its_frames_and_polygons(tmp_path: Path) -> None:
    folder = tmp_path / 'images'
    folder.mkdir()
    cv2.imwrite(str(folder / 'sand.png'), photo())
    output = tmp_path / 'set'
    options = '--frames 3 --size 192 128 --segments --background-share 1 --empty-share 0'
    code = simulate.main(['--output', str(output), '--backgrounds', str(folder), *options.split()])
    assert code == 0
    texts = [path.read_text() for path in (output / 'labels' / 'train').iterdir()]
    assert len(texts) == 3
    for line in (line for text in texts for line in text.splitlines()):
        points = np.array(line.split()[1:], float)
        assert len(points) >= 6 and len(points) % 2 == 0
        assert points.min() >= 0 and points.max() <= 1
