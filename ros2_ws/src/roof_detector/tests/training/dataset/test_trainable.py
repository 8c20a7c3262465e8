# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import shutil

import pytest

from training.dataset import DatasetError, check, dataset_hash, trainable_data_yaml


def test_an_empty_folder_cannot_be_trained_on(tmp_path):
    with pytest.raises(DatasetError, match='no train and no val'):
        trainable_data_yaml(tmp_path, tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


def test_images_are_named_by_whole_paths_and_are_the_same_set(make, tmp_path):
    yaml = 'train: ../train/images\nval: ../valid/images\nnames: [equip, drain]\n'
    root = make.yolo(layout='{split}/images', splits=('train', 'valid'), yaml=yaml)
    # What ultralytics would take instead, because it tries the words as they stand first.
    make.write_image(tmp_path / 'train/images/wrong.png', 5)
    described = trainable_data_yaml(root, tmp_path / 'run')
    assert (tmp_path / 'run/train.txt').read_text().splitlines() == [
        str(root / f'train/images/roof {number}.png') for number in range(3)
    ]
    assert check(described).faults == ()
    assert dataset_hash(described) == dataset_hash(root)


@pytest.mark.parametrize(
    ('path', 'said'),
    [
        (lambda make: make.coco(), 'convert it with'),
        (lambda make: make.voc(), 'convert it with'),
        (lambda make: shutil.make_archive(str(make.root), 'zip', make.yolo()), 'unpack it with'),
    ],
)
def test_what_training_cannot_read_is_refused_with_the_command_that_helps(
    make, tmp_path, path, said
):
    with pytest.raises(DatasetError, match=said):
        trainable_data_yaml(path(make), tmp_path / 'run')
