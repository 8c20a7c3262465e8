# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from training.dataset import DatasetError, check
from training.dataset.__main__ import main
from training.dataset.preview import draw_sample, preview
from training.dataset.reader import open_set
from training.dataset.statistics import statistics


def test_check_exits_with_one_for_faults_and_zero_without(make, capsys):
    root = make.yolo()
    assert main(['check', str(root)]) == 0
    assert '0 fault(s)' in capsys.readouterr().out
    (root / 'labels/train/roof 0.txt').write_text('5 0.5 0.5 0.2 0.2\n')
    assert main(['check', str(root)]) == 1
    assert 'labels/train/roof 0.txt:1: the class is 5' in capsys.readouterr().out


def test_check_prints_json_for_machines(make, capsys):
    root = make.yolo()
    (root / 'labels/train/roof 0.txt').write_text('5 0.5 0.5 0.2 0.2\n')
    assert main(['check', str(root), '--json', '--hash']) == 1
    report = json.loads(capsys.readouterr().out)
    (fault,) = report['faults']
    assert (fault['file'], fault['line'], fault['kind']) == ('labels/train/roof 0.txt', 1, 'class')
    assert report['splits']['val'] == {'images': 1, 'backgrounds': 0, 'instances': 1}
    assert len(report['hash']) == 64


def test_a_wrong_request_exits_with_two_and_says_the_way_out(make, tmp_path, capsys):
    root = make.yolo()
    assert main(['convert', str(root), '--output', str(root)]) == 2
    assert '--overwrite' in capsys.readouterr().err
    assert main(['split', str(tmp_path / 'no'), '--output', str(tmp_path / 'o')]) == 2
    assert 'no data set' in capsys.readouterr().err


def test_a_roboflow_zip_becomes_a_split_set_by_three_commands(make, tmp_path, capsys):
    import shutil

    yaml = 'train: ../train/images\nval: ../valid/images\nnc: 2\nnames: [AC unit, drain]\n'
    root = make.yolo(layout='{split}/images', splits=('train', 'valid'), yaml=yaml)
    packed = shutil.make_archive(str(tmp_path / 'roofs'), 'zip', root)
    assert main(['check', packed]) == 0
    options = ['--map', 'AC unit=equip', '--drop', 'drain', '--output', str(tmp_path / 'yolo')]
    assert main(['convert', packed, *options]) == 0
    options = ['--val', '0.3', '--output', str(tmp_path / 'split')]
    assert main(['split', str(tmp_path / 'yolo'), *options]) == 0
    assert 'kept together' in capsys.readouterr().out
    assert check(tmp_path / 'split').faults == ()
    assert check(tmp_path / 'split').names == ('equip',)


def test_the_orthophoto_becomes_tiles_split_by_place_with_one_command(kampala, tmp_path):
    arguments = [str(kampala / 'orthophoto.png'), '--labels', str(kampala / 'roofs.txt')]
    arguments += ['--names', 'roof', '--tile', '640', '--overlap', '0.2']
    arguments += ['--val-from-x', '0.667', '--output', str(tmp_path / 'roofs')]
    assert main(['convert', *arguments]) == 0
    report = check(tmp_path / 'roofs')
    assert report.faults == ()
    assert report.splits['train'].images == 16
    assert report.splits['val'].images == 8
    # 107 roofs, some of them in two tiles or more.
    assert report.splits['train'].instances + report.splits['val'].instances > 107
    with open_set(tmp_path / 'roofs') as found:
        west, east = (
            {int(s.image_path.stem.split('_x')[1][:5]) for s in found.labelled.of_split(split)}
            for split in ('train', 'val')
        )
    assert max(west) + 640 <= min(east) == round(0.667 * 3072)


@pytest.mark.parametrize('segment', [False, True])
def test_a_preview_shows_each_image_and_colours_what_is_labelled(make, tmp_path, segment):
    root = make.yolo(segment=segment)
    sheet = tmp_path / 'sheet.png'
    assert preview(root, sheet, columns=2, tile_width_px=160) == 4
    image = cv2.imread(str(sheet))
    assert image.shape[1] > 2 * 160
    with open_set(root) as found:
        labelled = found.labelled
        for sample in labelled.samples:
            drawn = draw_sample(sample, labelled, width_px=160, draw_names=False)
            changed = (drawn != cv2.imread(str(sample.image_path))).any(2)
            assert changed.any() == bool(sample.instances)
            for one in sample.instances:
                x, y = np.rint((one.box_xyxy[:2] + one.box_xyxy[2:]) / 2 * (160, 120)).astype(int)
                assert changed[y, x] == segment
    with pytest.raises(DatasetError, match='not overwriting'):
        preview(root, sheet)


def test_a_preview_of_nothing_is_refused(make, tmp_path):
    root = make.yolo()
    with pytest.raises(DatasetError, match='no split'):
        preview(root, tmp_path / 'sheet.png', split='test')
    with pytest.raises(DatasetError, match='no image'):
        preview(root, tmp_path / 'sheet.gif')
    assert not (tmp_path / 'sheet.png').exists()


def test_statistics_count_by_split_class_size_shape_and_place(make):
    found = statistics(make.yolo(), image_size=640)
    train, val = found.splits['train'], found.splits['val']
    assert (train.images, train.backgrounds) == (3, 1)
    assert train.instances == {'equip': 2, 'drain': 1}
    assert val.instances == {'equip': 0, 'drain': 1}
    # 160 pixels wide, so that all is four times as large at training: 192x192, 160x120, 128x96.
    assert train.sizes == {'small': 0, 'medium': 0, 'large': 3}
    assert statistics(make.root, image_size=80).splits['train'].sizes['small'] == 3
    assert train.side_px[1] == pytest.approx(np.sqrt(160 * 120))
    assert val.aspect == pytest.approx((4 / 3,) * 3)
    assert val.zones['right lower'] == 1
    assert train.zones['left upper'] == 2
    assert train.zones['middle'] == 1
    assert train.per_image == (1.0, 2)
    assert val.image_sizes == {'160x120': 1}


def test_stats_prints_a_table_and_json(make, capsys):
    root = make.yolo()
    assert main(['stats', str(root)]) == 0
    table = capsys.readouterr().out
    assert [line.split() for line in table.splitlines() if 'drain' in line] == [
        ['drain', '1', '1']
    ]
    assert main(['stats', str(root), '--json']) == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted['splits']['train']['instances'] == {'equip': 2, 'drain': 1}
