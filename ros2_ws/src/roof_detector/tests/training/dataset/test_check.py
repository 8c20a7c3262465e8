# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from training.dataset import DatasetError, check

if TYPE_CHECKING:
    from pathlib import Path


def found(report, kind):
    return [(fault.file, fault.line) for fault in report.faults if fault.kind == kind]


def test_an_empty_folder_is_faulty(tmp_path):
    assert {'empty', 'names'} <= {fault.kind for fault in check(tmp_path).faults}


def test_a_set_that_is_not_there_is_faulty_and_not_an_exception(tmp_path):
    report = check(tmp_path / 'absent')
    assert [fault.kind for fault in report.faults] == ['unreadable']
    with pytest.raises(DatasetError, match='no data set'):
        report.raise_for_faults()


@pytest.mark.parametrize('segment', [False, True], ids=['boxes', 'polygons'])
def test_a_sound_set_has_no_fault_and_its_backgrounds_are_counted(make, segment):
    report = check(make.yolo(segment=segment))
    assert report.faults == ()
    assert report.warnings == ()
    report.raise_for_faults()
    assert report.task == ('segment' if segment else 'detect')
    assert vars(report.splits['train']) == {'images': 3, 'backgrounds': 1, 'instances': 3}
    assert vars(report.splits['val']) == {'images': 1, 'backgrounds': 0, 'instances': 1}


def test_an_image_without_label_file_is_a_background(make):
    root = make.yolo()
    (root / 'labels/train/roof 2.txt').unlink()
    report = check(root)
    assert report.faults == ()
    assert report.splits['train'].backgrounds == 1


@pytest.mark.parametrize(
    ('line', 'kind'),
    [
        ('0 0.9 0.5 0.4 0.2', 'out_of_image'),
        ('0 -0.1 0.5 0.1 0.2', 'out_of_image'),
        ('0 0.1 0.1 0.5 0.1 0.5 1.2', 'out_of_image'),
        ('0 0.5 0.5 0 0.2', 'zero_area'),
        ('0 0.5 0.5 0.1 -0.2', 'zero_area'),
        ('0 0.1 0.1 0.2 0.2 0.3 0.3', 'zero_area'),
        ('2 0.5 0.5 0.2 0.2', 'class'),
        ('-1 0.5 0.5 0.2 0.2', 'class'),
        ('0.5 0.5 0.5 0.2 0.2', 'class'),
        ('equip 0.5 0.5 0.2 0.2', 'class'),
        ('0 nan 0.5 0.2 0.2', 'nan'),
        ('0 0.5 inf 0.2 0.2', 'nan'),
        ('0 0.5 0.5 0.2', 'fields'),
        ('0 0.5 0.5 0.2 0.2 0.97', 'fields'),
        ('0', 'fields'),
        ('0 0.5 0.5 0.2 wide', 'number'),
        ('0 0.5 0.5', 'polygon'),
        ('0 0.1 0.1 0.1 0.1 0.3 0.3', 'polygon'),
    ],
)
def test_a_faulty_line_is_reported_with_file_and_line(make, line, kind):
    root = make.yolo()
    (root / 'labels/train/roof 2.txt').write_text(f'\n{line}\n')
    assert found(check(root), kind) == [('labels/train/roof 2.txt', 2)]


def test_boxes_beside_polygons_in_one_file_are_reported_at_the_rarer_kind(make):
    root = make.yolo()
    box, polygon = '0 0.5 0.5 0.2 0.2\n', '0 0.1 0.1 0.2 0.1 0.2 0.2\n'
    (root / 'labels/train/roof 2.txt').write_text(box + box + polygon)
    assert found(check(root), 'mixed') == [('labels/train/roof 2.txt', 3)]


def test_boxes_in_one_file_and_polygons_in_another_are_a_warning(make):
    root = make.yolo()
    (root / 'labels/train/roof 2.txt').write_text('0 0.1 0.1 0.2 0.1 0.2 0.2\n')
    report = check(root)
    assert report.faults == ()
    assert [warning.kind for warning in report.warnings] == ['mixed']


def test_a_label_without_image_is_reported(make):
    root = make.yolo()
    (root / 'images/train/roof 1.png').unlink()
    assert found(check(root), 'image_missing') == [('labels/train/roof 1.txt', 0)]


@pytest.mark.parametrize('suffix', ['png', 'jpg'])
def test_an_image_cut_short_is_reported(make, suffix):
    root = make.yolo()
    path = make.write_image(root / f'images/train/late.{suffix}', 5)
    path.write_bytes(path.read_bytes()[:-2000])
    assert found(check(root), 'image_unreadable') == [(f'images/train/late.{suffix}', 0)]


@pytest.mark.parametrize('content', [b'', b'this is no image'], ids=['empty', 'text'])
def test_a_file_that_is_no_image_is_reported(make, content):
    root = make.yolo()
    (root / 'images/train/late.png').write_bytes(content)
    assert found(check(root), 'image_unreadable') == [('images/train/late.png', 0)]


def test_an_image_turned_by_exif_is_a_fault_with_labels_and_a_warning_without(make):
    root = make.yolo()
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in (0, 2):
        image = Image.open(root / f'images/train/roof {number}.png')
        (root / f'images/train/roof {number}.png').unlink()
        image.save(root / f'images/train/roof {number}.jpg', exif=exif, quality=95)
    report = check(root)
    assert found(report, 'rotated') == [('images/train/roof 0.jpg', 0)]
    assert [warning.file for warning in report.warnings] == ['images/train/roof 2.jpg']


TWINS = {
    'the same file': lambda image: image,
    'compressed': lambda image: cv2.imdecode(cv2.imencode('.jpg', image, [1, 40])[1], 1),
    'half the size': lambda image: cv2.resize(image, None, fx=0.5, fy=0.5),
    'brighter': lambda image: cv2.convertScaleAbs(image, alpha=1.2, beta=10),
    'turned': np.rot90,
    'mirrored': lambda image: cv2.flip(image, 1),
}


@pytest.mark.parametrize('twin', TWINS)
def test_a_double_in_another_split_is_a_fault_and_in_its_own_a_warning(make, twin):
    root = make.yolo()
    for split in ('train', 'val'):
        image = np.ascontiguousarray(TWINS[twin](make.scenes[0]))
        assert cv2.imwrite(str(root / f'images/{split}/double in {split}.png'), image)
    report = check(root)
    assert ('images/val/double in val.png', 0) in found(report, 'duplicate') or (
        'images/train/double in train.png' in str(report.faults)
    )
    assert any(warning.kind == 'duplicate' for warning in report.warnings)


def test_neighbours_in_a_flight_are_no_doubles(make):
    report = check(make.yolo(count=4))
    assert 'duplicate' not in {fault.kind for fault in (*report.faults, *report.warnings)}


def test_cameras_name_images_alike_in_every_flight_which_is_no_fault(make):
    root = make.yolo()
    for split, number in (('train', 5), ('val', 6)):
        make.write_image(root / f'images/{split}/DJI_0000.png', number)
    report = check(root)
    assert report.faults == () and report.warnings == ()


def test_one_content_in_two_splits_is_a_fault_whatever_its_names(make):
    root = make.yolo()
    flat = np.full((48, 64, 3), 120, np.uint8)  # which looks like nothing else
    for path in ('train/one.png', 'val/other.png', 'val/third.png'):
        assert cv2.imwrite(str(root / f'images/{path}'), flat)
    report = check(root)
    assert found(report, 'duplicate') == [
        ('images/val/other.png', 0),
        ('images/val/third.png', 0),
    ]
    assert 'is byte for byte images/train/one.png (train)' in str(report.faults[0])


def test_copies_of_one_upload_in_two_splits_are_a_warning(make):
    root = make.yolo()
    make.write_image(root / 'images/train/up_jpg.rf.0123456789abcdef.png', 5)
    make.write_image(root / 'images/val/up_jpg.rf.fedcba9876543210.png', 6)
    report = check(root)
    assert report.faults == ()
    assert [warning.kind for warning in report.warnings] == ['same_name']


def test_a_label_file_that_two_images_claim_is_a_fault(make):
    root = make.yolo()
    path = make.write_image(root / 'images/train/roof 0.jpg', 7)
    assert path.with_suffix('.png').is_file()
    assert found(check(root), 'label_shared') == [('labels/train/roof 0.txt', 0)]


def test_frames_of_one_video_in_two_splits_are_a_warning(make):
    root = make.yolo()
    make.write_image(root / 'images/train/DJI_0001_frame_000100.png', 5)
    make.write_image(root / 'images/val/DJI_0001_frame_000200.png', 6)
    report = check(root)
    assert report.faults == ()
    assert [warning.kind for warning in report.warnings] == ['video']


@pytest.mark.parametrize(
    ('text', 'kind', 'line'),
    [
        ('train: images/train\nval: images/train\nnames: [a, b]\n', 'split_overlap', 2),
        ('train: images/train\nvalid: images/absent\nnames: [a, b]\n', 'split_missing', 2),
        ('train: images/train\nval: images/val\n', 'names', 0),
        ('train: images/train\nval: images/val\nnc: 3\nnames: [a, b]\n', 'names', 3),
        ('train: images/train\nval: images/val\nnames: {0: a, 2: b}\n', 'names', 3),
        ('train: images/train\nval: images/val\nnames: [a, a]\n', 'names', 3),
        ('train: [\nnames: a', 'yaml', 2),
        ('- a\n', 'yaml', 0),
        ('[' * 20_000, 'yaml', 0),  # PyYAML takes minutes for it
        ('a: &a [1]\n' + 'b: [*a, *a, *a, *a, *a]\n', 'yaml', 0),
    ],
)
def test_a_faulty_data_yaml_is_reported(make, text, kind, line):
    assert ('data.yaml', line) in found(check(make.yolo(yaml=text)), kind)


def test_a_list_that_names_an_absent_image_is_reported_with_its_line(make):
    root = make.yolo(yaml='train: train.txt\nval: images/val\nnames: [equip, drain]\n')
    (root / 'train.txt').write_text('./images/train/roof 0.png\n./images/train/gone.png\n')
    report = check(root)
    assert found(report, 'image_missing') == [('train.txt', 2)]
    assert report.splits['train'].images == 1


def test_labels_where_training_does_not_look_are_a_fault(make):
    root = make.yolo()
    label = root / 'labels/train/roof 1.txt'
    label.rename(root / 'images/train/roof 1.txt')
    assert found(check(root), 'layout') == [('images/train/roof 1.txt', 0)]


def test_every_fault_is_reported_at_once(make):
    root = make.yolo()
    (root / 'labels/train/roof 0.txt').write_text('7 0.5 0.5 0.2 0.2\n0 nan 1 1 1\n0 1 1 1 1\n0\n')
    (root / 'labels/val/lonely.txt').write_text('0 0.5 0.5 0.2 0.2\n')
    (root / 'images/train/broken.jpg').write_bytes(b'\xff\xd8\xff')
    make.write_image(root / 'images/val/again.png', 1)
    kinds = {fault.kind for fault in check(root).faults}
    assert kinds == {
        'class',
        'nan',
        'out_of_image',
        'fields',
        'image_missing',
        'image_unreadable',
        'duplicate',
    }


def test_the_refusal_names_file_line_and_the_command_that_tells_more(make):
    root = make.yolo()
    (root / 'labels/train/roof 0.txt').write_text('0 0.5 0.5 0.2 0.2\n9 0.5 0.5 0.2 0.2\n')
    with pytest.raises(DatasetError, match=r'roof 0\.txt:2: the class is 9') as refusal:
        check(root).raise_for_faults()
    assert f'roof_detector dataset check {root}' in str(refusal.value)


def test_faults_in_coco_are_reported_with_their_line(make):
    root = make.coco()
    file = root / 'train/_annotations.coco.json'
    content = json.loads(file.read_text())
    first, second, third = content['annotations']
    first['bbox'] = [10, 10, 500, 20]
    second['category_id'] = 77
    third['segmentation'] = [[1, 2, 3, 4]]
    content['images'].append({'id': 99, 'file_name': 'gone.png', 'width': 1, 'height': 1})
    file.write_text(json.dumps(content, indent=1))
    lines = file.read_text().splitlines()
    report = check(root)
    assert {fault.kind for fault in report.faults} == {
        'out_of_image',
        'class',
        'polygon',
        'image_missing',
    }
    for fault in report.faults:
        assert fault.file == 'train/_annotations.coco.json'
        assert lines[fault.line - 1].strip() == '{'
    at = {fault.kind: fault.line for fault in report.faults}
    assert 'gone.png' in ''.join(lines[at['image_missing'] : at['image_missing'] + 3])
    assert '77' in ''.join(lines[at['class'] : at['class'] + 4])


@pytest.mark.parametrize(
    'segmentation',
    [
        {'size': [120, 160], 'counts': [5, 10]},
        {'size': [120, 160], 'counts': [-5, 19205]},
        {'size': [1, 1], 'counts': [1]},
        {'size': [120, 160], 'counts': 'oooo'},
        {'size': [120, 160], 'counts': '\x01'},
        {'size': [120, 160], 'counts': ''},
        {'size': [120, 160]},
        [['a', 'b', 'c', 'd', 'e', 'f']],
    ],
)
def test_a_malformed_mask_is_a_fault_and_not_a_crash(make, segmentation):
    root = make.coco(shape=lambda _: segmentation)
    assert {fault.kind for fault in check(root).faults} == {'number'}


def test_broken_json_is_reported_with_its_line(make):
    root = make.coco()
    file = root / 'valid/_annotations.coco.json'
    lines = file.read_text().splitlines()
    lines[3] = lines[3] + ' oops'
    file.write_text('\n'.join(lines))
    assert found(check(root), 'json') == [('valid/_annotations.coco.json', 4)]


def test_faults_in_voc_are_reported_with_their_line(make):
    root = make.voc()
    file = root / 'train/roof 1.xml'
    text = file.read_text()
    file.write_text(text.replace('<xmax>32</xmax>', '<xmax>900</xmax>'))
    (root / 'train/broken.xml').write_text('<annotation>\n<object>\n</annotation>\n')
    (root / 'train/bomb.xml').write_text(
        '<!DOCTYPE x [<!ENTITY a "aaaa">]>\n<annotation><filename>&a;</filename></annotation>\n'
    )
    report = check(root)
    assert found(report, 'out_of_image') == [('train/roof 1.xml', 4)]
    assert found(report, 'xml') == [('train/bomb.xml', 0), ('train/broken.xml', 3)]


def test_a_size_that_the_image_does_not_have_is_a_fault(make):
    root = make.voc()
    file: Path = root / 'train/roof 0.xml'
    file.write_text(file.read_text().replace('<width>160</width>', '<width>320</width>'))
    assert found(check(root), 'size') == [('train/roof 0.xml', 0)]
