# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import shutil
import time

import cv2
import numpy as np
import pytest

from roof_detector.inference.quiet_ultralytics import import_quietly
from training.dataset import check, trainable_data_yaml
from training.dataset.conversion import Conversion, convert
from training.evaluation import open_split

# What YAML 1.1 takes for other values than their text.
WORDS = ('no', 'yes', 'on', 'off', 'null', '1.0', 'true', '0x10', '1e3', '2026-01-01', 'y', '~')


@pytest.mark.parametrize('form', ['list', 'numbers'])
def test_class_names_stay_the_text_that_they_are_also_when_written(make, tmp_path, form):
    names = (
        f'names: [{", ".join(WORDS)}]\n'
        if form == 'list'
        else 'names:\n' + ''.join(f'  {i}: {word}\n' for i, word in enumerate(WORDS))
    )
    root = make.yolo(yaml=f'train: images/train\nval: images/val\nnc: {len(WORDS)}\n{names}')
    assert check(root).names == WORDS
    convert(root, tmp_path / 'out')
    assert check(tmp_path / 'out').names == WORDS
    described = trainable_data_yaml(root, tmp_path / 'run')
    for file in (tmp_path / 'out/data.yaml', described):
        data = import_quietly('ultralytics.data.utils').check_det_dataset(str(file))
        assert tuple(data['names'].values()) == WORDS


def test_a_class_without_a_name_is_a_fault(make):
    root = make.yolo(yaml='train: images/train\nval: images/val\nnames: [equip, ""]\n')
    assert 'names: gives class 1 no name' in str(check(root))


ROBOFLOW = 'train: ../train/images\nval: ../valid/images\ntest: ../test/images\n'


@pytest.mark.parametrize('zipped', [False, True], ids=['folder', 'zip'])
def test_roboflows_test_folder_that_is_not_there_is_a_warning(make, tmp_path, zipped):
    yaml = ROBOFLOW + 'nc: 2\nnames: [equip, drain]\n'
    path = make.yolo(layout='{split}/images', splits=('train', 'valid'), yaml=yaml)
    # The folder of another set beside this one is not its own.
    make.write_image(path.parent / 'test/images/other.png', 5)
    if zipped:
        path = shutil.make_archive(str(tmp_path / 'roofs.v1.yolov11'), 'zip', path)
    report = check(path)
    assert report.faults == ()
    assert list(report.splits) == ['train', 'val']
    (warning,) = report.warnings
    assert (warning.file, warning.line, warning.kind) == ('data.yaml', 3, 'split_missing')


def test_paths_of_a_notebook_are_found_by_their_end_and_that_is_said(make):
    root = '/content/datasets/roofs-1'
    yaml = f'path: {root}\ntrain: {root}/images/train\nval: {root}/images/val\n'
    report = check(make.yolo(yaml=yaml + f'test: {root}/images/test\nnames: [equip, drain]\n'))
    assert report.faults == ()
    assert {name: one.images for name, one in report.splits.items()} == {'train': 3, 'val': 1}
    assert [w.line for w in report.warnings if w.kind == 'path_mapped'] == [1, 2, 3]
    assert [w.line for w in report.warnings if w.kind == 'split_missing'] == [4]


def test_a_list_of_a_notebooks_paths_is_found_by_their_end(make):
    root = make.yolo(yaml='train: train.txt\nval: images/val\nnames: [equip, drain]\n')
    lines = [f'/content/drive/MyDrive/roofs/images/train/roof {number}.png\n' for number in (0, 1)]
    (root / 'train.txt').write_text(''.join(lines))
    report = check(root)
    assert report.faults == ()
    assert report.splits['train'].images == 2
    assert [warning.kind for warning in report.warnings] == ['path_mapped']


def test_the_end_of_a_path_never_loses_the_name_of_its_split(make):
    yaml = 'train: /content/x/train/images\nval: /content/x/val/images\nnames: [equip, drain]\n'
    faults = check(make.yolo(yaml=yaml)).faults
    assert [fault.kind for fault in faults if fault.line] == ['split_missing'] * 2


def test_what_convert_leaves_unsplit_evaluate_uses_as_a_whole(make, tmp_path):
    for number in range(3):
        path = make.write_image(make.root / f'roof {number}.png', number)
        path.with_suffix('.txt').write_text('0 0.5 0.5 0.2 0.2\n')
    (make.root / 'classes.txt').write_text('equip\n')
    convert(make.root, tmp_path / 'out')
    for root in (make.root, tmp_path / 'out'):
        report = check(root)
        assert report.faults == ()
        assert [warning.kind for warning in report.warnings] == ['unsplit']
        with open_split(root) as data:
            assert (data.split, len(data.samples)) == ('all', 3)


POSE = '0 0.5 0.5 0.2 0.2 0.4 0.4 2 0.6 0.6 1\n'


def test_the_boxes_of_poses_are_read_and_their_keypoints_counted(make):
    yaml = 'train: images/train\nval: images/val\nkpt_shape: [2, 3]\nnames: [equip, drain]\n'
    root = make.yolo(yaml=yaml)
    (root / 'labels/train/roof 1.txt').write_text(POSE)
    report = check(root)
    assert report.faults == ()
    assert report.task == 'detect'
    assert report.skipped == {'keypoints of poses': 1}
    (root / 'data.yaml').write_text(yaml.replace('kpt_shape: [2, 3]\n', ''))
    (fault,) = check(root).faults
    assert 'a box and 2 keypoints: a pose; add kpt_shape: [2, 3]' in fault.text


def grid(folder, count):
    """Write small images that are all different."""
    rng = np.random.default_rng(1)
    for kind in ('images', 'labels'):
        for split in ('train', 'val'):
            (folder / kind / split).mkdir(parents=True)
    for i in range(count):
        split = 'train' if i % 4 else 'val'
        image = cv2.resize(rng.integers(0, 255, (4, 4), dtype=np.uint8), (16, 16))
        assert cv2.imwrite(str(folder / f'images/{split}/f{i}a.bmp'), image)
        (folder / f'labels/{split}/f{i}a.txt').write_text('0 0.5 0.5 0.2 0.2\n')
    (folder / 'data.yaml').write_text('train: images/train\nval: images/val\nnames: [roof]\n')
    return folder


def cost_s(work):
    """Return the least processor time of three: a machine's other work only adds to it."""
    costs = []
    for _ in range(3):
        begin_s = time.process_time()
        work()
        costs.append(time.process_time() - begin_s)
    return min(costs)


def test_four_times_as_many_images_cost_about_four_times_as_much(tmp_path):
    costs = []
    for count in (200, 800):
        folder = grid(tmp_path / str(count), count)
        assert check(folder).splits['val'].images == count // 4
        costs.append(cost_s(lambda folder=folder: check(folder)))
    assert costs[1] / costs[0] < 8  # comparing each image with each costs 16 times as much


def test_many_images_of_one_name_are_all_written(make, tmp_path):
    for flight in range(3):
        path = make.write_image(make.root / f'{flight}/rgb.png', flight)
        path.with_suffix('.txt').write_text('0 0.5 0.5 0.2 0.2\n')
    convert(make.root, tmp_path / 'out', Conversion(names=('equip',)))
    names = sorted(path.name for path in (tmp_path / 'out/images/all').iterdir())
    assert names == ['rgb.png', 'rgb_2.png', 'rgb_3.png']
