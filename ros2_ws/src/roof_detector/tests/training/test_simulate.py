# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from roof_detector.simulation import RoofWorld
from training import rendering, simulate
from training.errors import TrainingError
from training.rendering import DatasetConfig

if TYPE_CHECKING:
    from pathlib import Path


def small(output: Path) -> DatasetConfig:
    return DatasetConfig(
        output=output,
        frames=6,
        val_frames=2,
        seed=4,
        size_wh=(192, 128),
        frames_per_world=4,
        default_world_share=0.0,
    )


@pytest.fixture(scope='module')
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp('dataset')
    simulate.render_dataset(small(output))
    return output


def test_a_dataset_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match='one or more'):
        DatasetConfig(output=tmp_path, frames=0)


@pytest.mark.parametrize(
    ('field', 'value', 'words'),
    [
        ('val_frames', 7, 'give 0 to 6'),
        ('size_wh', (640, 20), '64 pixels'),
        ('render_scale', 7, '1, 2, 3 or 4'),
        ('altitude_m', (30.0, 6.0), 'a lowest and a highest'),
        ('altitude_m', (2.0, 6.0), 'within 5 and 60'),
        ('empty_share', 1.5, 'from 0 to 1'),
        ('seed', -1, 'from zero up'),
    ],
)
def test_a_recipe_that_cannot_be_rendered_is_refused(
    field: str, value: object, words: str, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=words):
        replace(small(tmp_path), **{field: value})


def test_a_wrong_option_ends_with_a_sentence_and_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / 'set'
    assert simulate.main(['--output', str(output), '--frames', '3', '--altitude', '1', '9']) == 2
    assert 'The altitude is 1 to 9 m' in capsys.readouterr().err
    assert not output.exists()


def test_every_image_has_a_label_file_in_its_split(dataset: Path) -> None:
    for split, count in (('train', 4), ('val', 2)):
        images = sorted(p.stem for p in (dataset / 'images' / split).iterdir())
        labels = sorted(p.stem for p in (dataset / 'labels' / split).iterdir())
        assert images == labels
        assert len(images) == count


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


def test_images_have_the_asked_size_whatever_they_are_rendered_at(dataset: Path) -> None:
    for path in (dataset / 'images').rglob('*.jpg'):
        assert cv2.imread(str(path)).shape == (128, 192, 3)


def test_validation_worlds_are_not_training_worlds(tmp_path: Path) -> None:
    config = DatasetConfig(output=tmp_path, frames=50, val_frames=10, frames_per_world=7)
    worlds: dict[str, set[int]] = {'train': set(), 'val': set()}
    counts = {'train': 0, 'val': 0}
    for job in rendering.jobs(config):
        worlds[job.split].add(job.world)
        counts[job.split] += job.count
    assert worlds['train'].isdisjoint(worlds['val'])
    assert counts == {'train': 40, 'val': 10}


def test_no_empty_frame_is_kept_where_none_may_be(tmp_path: Path) -> None:
    config = replace(small(tmp_path), empty_share=0.0, near_share=0.0, segments=True)
    assert rendering.render(next(rendering.jobs(config))) == 4
    texts = [path.read_text() for path in (tmp_path / 'labels').rglob('*.txt')]
    assert len(texts) == 4
    assert all(texts)


def test_data_yaml_names_the_classes_in_order(dataset: Path) -> None:
    text = (dataset / 'data.yaml').read_text()
    assert '  0: equip\n  1: drain\n  2: crack\n  3: ponding\n  4: rust\n' in text


def test_an_empty_mask_has_no_outline() -> None:
    assert rendering.outline_of(np.zeros((9, 9), bool)) is None


def test_an_outline_fills_to_the_pieces_of_its_mask() -> None:
    mask = np.zeros((60, 80), bool)
    mask[5:20, 5:30] = True
    mask[30:50, 40:70] = True
    outline = rendering.outline_of(mask)
    assert outline is not None
    filled = cv2.fillPoly(np.zeros((60, 80), np.uint8), [outline.astype(np.int32)], 1) > 0
    assert (filled & mask).sum() == mask.sum()
    assert (filled & ~mask).sum() < 40


def test_another_process_writes_the_same_set(dataset: Path, tmp_path: Path) -> None:
    simulate.render_dataset(small(tmp_path), workers=2)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob('*_*.*'))
    assert len(written) == 12
    for path in written:
        assert (tmp_path / path).read_bytes() == (dataset / path).read_bytes()


def test_random_poses_look_at_the_world() -> None:
    rng = np.random.default_rng(0)
    world = RoofWorld.generate(seed=1, config=rendering.random_world(rng))
    for _ in range(20):
        config = rendering.random_flight(rng, (320, 192), altitude_m=(5.0, 60.0))
        assert 5 <= config.altitude_m <= 60
        pose = rendering.random_pose(world, config, rng)
        assert pose.position_enu[2] > min(b.footprint.height for b in world.buildings) + 4
