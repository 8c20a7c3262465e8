# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from roof_detector.simulation import RoofWorld
from training import simulate


@pytest.fixture(scope='module')
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp('dataset')
    config = simulate.DatasetConfig(
        output, frames=6, seed=4, size=192, val_fraction=0.34, frames_per_world=4
    )
    simulate.render_dataset(config)
    return output


def test_a_dataset_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='one or more'):
        simulate.DatasetConfig(tmp_path, frames=0)


def test_every_picture_has_a_label_file_in_its_split(dataset: Path) -> None:
    for split, count in (('train', 4), ('val', 2)):
        pictures = sorted(p.stem for p in (dataset / 'images' / split).iterdir())
        labels = sorted(p.stem for p in (dataset / 'labels' / split).iterdir())
        assert pictures == labels
        assert len(pictures) == count


def test_labels_are_valid_yolo_lines(dataset: Path) -> None:
    lines = [
        line
        for path in (dataset / 'labels').rglob('*.txt')
        for line in path.read_text().splitlines()
    ]
    assert lines
    for line in lines:
        class_id, *numbers = line.split()
        x, y, width, height = map(float, numbers)
        assert class_id in {'0', '1', '2', '3', '4'}
        assert width > 0 and height > 0
        assert x - width / 2 >= -1e-5 and x + width / 2 <= 1 + 1e-5
        assert y - height / 2 >= -1e-5 and y + height / 2 <= 1 + 1e-5


def test_pictures_have_the_asked_longest_side(dataset: Path) -> None:
    for path in (dataset / 'images').rglob('*.jpg'):
        assert max(cv2.imread(str(path)).shape[:2]) == 192


def test_validation_worlds_are_not_training_worlds(tmp_path: Path) -> None:
    config = simulate.DatasetConfig(tmp_path, frames=50, val_fraction=0.2, frames_per_world=7)
    worlds: dict[str, set[int]] = {'train': set(), 'val': set()}
    counts = {'train': 0, 'val': 0}
    for job in simulate.jobs(config):
        worlds[job.split].add(job.world)
        counts[job.split] += job.count
    assert worlds['train'].isdisjoint(worlds['val'])
    assert counts == {'train': 40, 'val': 10}


def test_data_yaml_names_the_classes_in_order(dataset: Path) -> None:
    text = (dataset / 'data.yaml').read_text()
    assert '  0: equip\n  1: drain\n  2: crack\n  3: ponding\n  4: rust\n' in text


def test_an_empty_mask_has_no_outline() -> None:
    assert simulate.outline_of(np.zeros((9, 9), bool)) is None


def test_an_outline_fills_to_the_pieces_of_its_mask() -> None:
    mask = np.zeros((60, 80), bool)
    mask[5:20, 5:30] = True
    mask[30:50, 40:70] = True
    outline = simulate.outline_of(mask)
    assert outline is not None
    filled = cv2.fillPoly(np.zeros((60, 80), np.uint8), [outline.astype(np.int32)], 1) > 0
    assert (filled & mask).sum() == mask.sum()
    assert (filled & ~mask).sum() < 40


def test_the_same_seed_writes_the_same_labels(dataset: Path, tmp_path: Path) -> None:
    config = simulate.DatasetConfig(
        tmp_path, frames=6, seed=4, size=192, val_fraction=0.34, frames_per_world=4
    )
    simulate.render(list(simulate.jobs(config))[-1])
    for path in (tmp_path / 'labels').rglob('*.txt'):
        assert path.read_text() == (dataset / path.relative_to(tmp_path)).read_text()


def test_random_poses_look_at_the_world() -> None:
    rng = np.random.default_rng(0)
    world = RoofWorld.generate(seed=1, config=simulate.random_world(rng))
    for _ in range(20):
        config = simulate.random_flight(rng, 320)
        pose = simulate.random_pose(world, config, rng)
        assert pose.position_enu[2] > world.buildings[0].footprint.height
