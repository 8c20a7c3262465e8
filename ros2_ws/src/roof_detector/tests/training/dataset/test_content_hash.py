# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from training.dataset import DatasetError, dataset_hash

if TYPE_CHECKING:
    from pathlib import Path


def test_a_set_that_is_not_there_has_no_hash(tmp_path):
    with pytest.raises(DatasetError, match='no data set'):
        dataset_hash(tmp_path / 'absent')


def test_names_folders_order_line_ends_and_zipping_do_not_change_the_hash(make, tmp_path):
    root = make.yolo()
    before = dataset_hash(root)
    assert len(before) == 64
    (root / 'images/train/roof 0.png').rename(root / 'images/train/zz.png')
    label = root / 'labels/train/zz.txt'
    (root / 'labels/train/roof 0.txt').rename(label)
    lines = label.read_text().splitlines()
    label.write_bytes('\r\n'.join(reversed(lines)).encode())
    moved = root.rename(tmp_path / 'elsewhere')
    assert dataset_hash(moved) == before
    assert dataset_hash(moved / 'data.yaml') == before
    packed = shutil.make_archive(str(tmp_path / 'packed'), 'zip', moved)
    assert dataset_hash(packed) == before


def test_a_format_does_not_change_the_hash(make, tmp_path):
    make.root = tmp_path / 'yolo'
    yolo = dataset_hash(make.yolo())
    make.root = tmp_path / 'voc'
    assert dataset_hash(make.voc(), names=('equip', 'drain')) == yolo
    make.root = tmp_path / 'coco'
    assert dataset_hash(make.coco()) == yolo


def other_pixels(root: Path) -> None:
    path = root / 'images/train/roof 0.png'
    path.write_bytes(path.read_bytes() + b'\0')


def other_label(root: Path) -> None:
    path = root / 'labels/train/roof 0.txt'
    path.write_text(path.read_text().replace('0.3', '0.31'))


def other_class(root: Path) -> None:
    path = root / 'labels/train/roof 1.txt'
    path.write_text('1' + path.read_text()[1:])


def other_name(root: Path) -> None:
    path = root / 'data.yaml'
    path.write_text(path.read_text().replace('drain', 'crack'))


def other_split(root: Path) -> None:
    for kind, suffix in (('images', 'png'), ('labels', 'txt')):
        name = f'roof 0.{suffix}'
        (root / kind / 'train' / name).rename(root / kind / 'val' / name)


@pytest.mark.parametrize(
    'change', [other_pixels, other_label, other_class, other_name, other_split]
)
def test_content_changes_the_hash(make, change):
    root = make.yolo()
    before = dataset_hash(root)
    change(root)
    assert dataset_hash(root) != before
