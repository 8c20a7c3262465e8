# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from training.dataset import DatasetError, check
from training.dataset.class_map import ClassMap
from training.dataset.conversion import Conversion, convert
from training.dataset.reader import open_set
from training.dataset.source_name import SourceName
from training.dataset.tiling import DatasetTiling

SIZE = np.array([160, 120])
TRAIN_BOXES = {
    'roof 0': [(0, (16, 12, 64, 60)), (1, (80, 60, 120, 90))],
    'roof 1': [(0, (0, 0, 32, 24))],
    'roof 2': [],
}


def boxes_px(sample):
    return [
        (one.class_id, tuple(np.rint(one.box_xyxy * np.tile(SIZE, 2)).astype(int).tolist()))
        for one in sample.instances
    ]


def filled(outline):
    mask = np.zeros((120, 160), np.uint8)
    (x0, y0), (x1, y1) = np.array(outline).min(0), np.array(outline).max(0)
    mask[y0:y1, x0:x1] = 1
    return np.asfortranarray(mask)


def compressed(outline):
    packed = coco_mask.encode(filled(outline))
    return {'size': packed['size'], 'counts': packed['counts'].decode()}


def plain_runs(outline):
    flat = filled(outline).reshape(-1, order='F')
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, len(flat)]).tolist()
    return {'size': [120, 160], 'counts': ([0] if flat[0] else []) + runs}


def polygon(outline):
    return [[float(value) for point in outline for value in point]]


ROBOFLOW = 'train: ../train/images\nval: ../valid/images\n\nnc: 2\nnames: [equip, drain]\n'
LISTED = 'path: .\ntrain: [images/train]\nval: images/val\nnames: [equip, drain]\n'
OTHERS = (
    'path: /home/else/where\ntrain: images/train\nvalidation: images/val\n'
    'names: {0: equip, 1: drain}\n'
)
FORMATS = {
    'YOLO': lambda make: make.yolo(),
    'YOLO outlines': lambda make: make.yolo(segment=True),
    'YOLO by Roboflow': lambda make: make.yolo(
        layout='{split}/images', splits=('train', 'valid'), yaml=ROBOFLOW
    ),
    'YOLO with lists': lambda make: make.yolo(yaml=LISTED),
    "YOLO from another's machine": lambda make: make.yolo(yaml=OTHERS),
    'YOLO without data.yaml': lambda make: _with_classes(make.yolo(yaml=None)),
    'YOLO labels beside images': lambda make: _with_classes(
        make.yolo(layout='{split}', yaml=None)
    ),
    'COCO boxes': lambda make: make.coco(),
    'COCO polygons': lambda make: make.coco(shape=polygon),
    'VOC boxes': lambda make: make.voc(),
    'VOC polygons': lambda make: make.voc(outlines=True),
}


def _with_classes(root: Path) -> Path:
    (root / 'classes.txt').write_text('equip\ndrain\n')
    return root


@pytest.mark.parametrize('zipped', [False, True], ids=['folder', 'zip'])
@pytest.mark.parametrize('name', FORMATS)
def test_every_format_is_read_alike_and_converts_to_a_set_without_fault(
    make, tmp_path, name, zipped
):
    path = FORMATS[name](make)
    if zipped:
        path = Path(shutil.make_archive(str(tmp_path / 'export'), 'zip', path.parent, path.name))
    names = ('equip', 'drain') if name.startswith('VOC') else ()
    assert check(path, names=names).faults == ()
    convert(path, tmp_path / 'out', Conversion(names=names))
    report = check(tmp_path / 'out')
    assert report.faults == ()
    assert report.warnings == ()
    with open_set(tmp_path / 'out') as found:
        assert found.labelled.names == ('equip', 'drain')
        read = {s.image_path.stem: boxes_px(s) for s in found.labelled.of_split('train')}
        assert read == TRAIN_BOXES
        (last,) = found.labelled.of_split('val')
        assert boxes_px(last) == [(1, (96, 72, 160, 120))]
        outlined = 'outlines' in name or 'polygons' in name
        assert found.labelled.task == ('segment' if outlined else 'detect')


@pytest.mark.parametrize('encode', [compressed, plain_runs], ids=['compressed', 'plain'])
def test_a_run_length_mask_is_read_to_within_half_a_pixel(make, encode):
    with open_set(make.coco(shape=encode)) as found:
        assert found.log.faults == []
        sample = next(s for s in found.labelled.samples if s.image_path.stem == 'roof 0')
        box = sample.instances[0].box_xyxy * np.tile(SIZE, 2)
        np.testing.assert_allclose(box, (16, 12, 64, 60), atol=0.51)


def test_outlines_survive_conversion_and_become_boxes_on_request(make, tmp_path):
    root = make.yolo(segment=True)
    convert(root, tmp_path / 'same')
    convert(root, tmp_path / 'boxes', Conversion(task='detect'))
    original = (root / 'labels/train/roof 0.txt').read_text()
    assert (tmp_path / 'same/labels/train/roof 0.txt').read_text() == original
    boxes = (tmp_path / 'boxes/labels/train/roof 0.txt').read_text().splitlines()
    assert boxes[0] == '0 0.250000 0.300000 0.300000 0.400000'


def test_boxes_do_not_become_outlines(make, tmp_path):
    with pytest.raises(DatasetError, match='boxes without outlines'):
        convert(make.yolo(), tmp_path / 'out', Conversion(task='segment'))
    assert not (tmp_path / 'out').exists()


def test_classes_are_renamed_merged_dropped_and_ordered(make, tmp_path):
    root = make.yolo()
    merged = Conversion(classes=ClassMap.parse(['drain = equip']))
    convert(root, tmp_path / 'merged', merged)
    assert check(tmp_path / 'merged').names == ('equip',)
    dropped = Conversion(classes=ClassMap.parse(['equip=AC unit'], drop=['drain']))
    convert(root, tmp_path / 'dropped', dropped)
    report = check(tmp_path / 'dropped')
    assert report.names == ('AC unit',)
    assert report.splits['val'].backgrounds == 1
    order = Conversion(classes=ClassMap.parse([], order=['drain', 'crack', 'equip']))
    convert(root, tmp_path / 'ordered', order)
    lines = (tmp_path / 'ordered/labels/train/roof 0.txt').read_text().splitlines()
    assert [line[0] for line in lines] == ['2', '0']


@pytest.mark.parametrize(
    ('entries', 'options', 'said'),
    [
        (['equipp=x'], {}, "Did you mean 'equip'"),
        (['equip'], {}, 'maps no class'),
        ([], {'drop': ['equip', 'drain']}, 'keep one'),
        ([], {'order': ['equip']}, 'lacks drain'),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(make, tmp_path, entries, options, said):
    with pytest.raises(DatasetError, match=said):
        classes = ClassMap.parse(entries, **options)
        convert(make.yolo(), tmp_path / 'out', Conversion(classes=classes))


def test_what_stands_there_is_not_overwritten_unless_asked_and_ours(make, tmp_path):
    root, output = make.yolo(), tmp_path / 'out'
    convert(root, output)
    with pytest.raises(DatasetError, match='--overwrite'):
        convert(root, output)
    convert(root, output, Conversion(overwrite=True))
    (output / 'data.yaml').unlink()
    with pytest.raises(DatasetError, match='left alone'):
        convert(root, output, Conversion(overwrite=True))
    assert (output / 'images').is_dir()


def test_a_faulty_set_is_refused_and_leaves_nothing_or_is_written_without_the_faulty(
    make, tmp_path
):
    root = make.yolo()
    (root / 'labels/train/roof 0.txt').write_text('0 0.5 0.5 0.2 0.2\n9 0.5 0.5 0.2 0.2\n')
    with pytest.raises(DatasetError, match=r'roof 0\.txt:2'):
        convert(root, tmp_path / 'out')
    assert [path.name for path in tmp_path.iterdir()] == ['set']
    outcome = convert(root, tmp_path / 'out', Conversion(skip_faulty=True))
    assert outcome.left_out == 1
    assert outcome.images == {'train': 2, 'val': 1}


def test_a_turned_image_is_written_upright(make, tmp_path):
    from PIL import Image

    root = make.yolo()
    exif = Image.Exif()
    exif[0x0112] = 6
    source = root / 'images/train/roof 0.png'
    Image.open(source).save(source.with_suffix('.jpg'), exif=exif, quality=95)
    source.unlink()
    convert(root, tmp_path / 'out')
    assert cv2.imread(str(tmp_path / 'out/images/train/roof 0.jpg')).shape[:2] == (160, 120)
    assert check(tmp_path / 'out').faults == ()


def test_two_images_of_one_name_are_both_kept(make, tmp_path):
    root = make.yolo()
    make.write_image(root / 'images/train/other flight/roof 1.png', 5)
    assert convert(root, tmp_path / 'out').images['train'] == 4


def test_tiles_of_two_images_of_one_name_are_told_apart(make, tmp_path):
    for flight, scale in (('a', 1), ('b', 2)):
        path = make.write_image(make.root / f'{flight}/DJI_0001.png', 4)
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), None, fx=scale, fy=scale))
        path.with_suffix('.txt').write_text('0 0.5 0.5 0.2 0.2\n')
    convert(
        make.root, tmp_path / 'out', Conversion(names=('a', 'b'), tiling=DatasetTiling(80, 0.0))
    )
    tiles = sorted(path.stem for path in (tmp_path / 'out/images').rglob('*.png'))
    stems = [SourceName.of(Path(f'{name}.png')).video for name in tiles]
    assert stems.count('DJI_0001') == 4  # of 160 by 120
    assert stems.count('DJI_0001_2') == 12  # of 320 by 240


def voc_flights(make, *, apart):
    """Write two flights whose images have one name, and their labels apart or beside them."""
    for flight, box in (('one', 10), ('two', 50)):
        folder = make.root / flight
        make.write_image(folder / 'JPEGImages/DJI_0001.png', box // 10)
        labels = make.root / 'labels' if apart else folder / 'Annotations'
        labels.mkdir(parents=True, exist_ok=True)
        (labels / f'DJI_0001{"_" + flight if apart else ""}.xml').write_text(
            '<annotation>\n<filename>DJI_0001.png</filename>\n'
            '<size><width>160</width><height>120</height></size>\n'
            f'<object><name>equip</name><bndbox><xmin>{box}</xmin><ymin>5</ymin>'
            f'<xmax>{box + 20}</xmax><ymax>25</ymax></bndbox></object></annotation>\n'
        )
    return make.root


def test_labels_belong_to_the_image_of_their_own_folder_not_to_any_of_their_name(make):
    with open_set(voc_flights(make, apart=False)) as found:
        labelled = {
            sample.image_path.parts[-3]: boxes_px(sample)[0][1][0]
            for sample in found.labelled.samples
        }
    assert labelled == {'one': 10, 'two': 50}


def test_labels_that_may_be_of_several_images_are_a_fault(make):
    kinds = [fault.kind for fault in check(voc_flights(make, apart=True)).faults]
    assert kinds.count('image_unclear') == 2


def test_a_converted_set_trains_wherever_it_is_moved(make, tmp_path):
    from roof_detector.inference.quiet_ultralytics import import_quietly

    convert(make.yolo(), tmp_path / 'out')
    moved = (tmp_path / 'out').rename(tmp_path / 'moved')
    data = import_quietly('ultralytics.data.utils').check_det_dataset(str(moved / 'data.yaml'))
    assert data['train'] == str(moved / 'images/train')
    assert data['names'] == {0: 'equip', 1: 'drain'}


def test_a_zip_made_on_a_mac_is_read_without_its_doubles(make, tmp_path):
    root = make.yolo()
    archive = tmp_path / 'mac.zip'
    with zipfile.ZipFile(archive, 'w') as packed:
        for path in root.rglob('*'):
            packed.write(path, Path('set') / path.relative_to(root))
        packed.writestr('__MACOSX/set/images/train/._roof 0.png', b'\x00\x05')
        packed.writestr('set/.DS_Store', b'x')
    report = check(archive)
    assert report.faults == ()
    assert report.splits['train'].images == 3
