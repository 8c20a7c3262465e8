# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every export of an annotation tool is read as the set that was drawn."""

from __future__ import annotations

import contextlib
import json
import shutil

import numpy as np
import pytest

from training.dataset import DatasetError, check
from training.dataset.conversion import Conversion, convert
from training.dataset.formats.registry import FORMATS
from training.dataset.reader import open_set

from .test_formats import TRAIN_BOXES, boxes_px
from .tool_sets import OUTLINED, TOOLS, put, table

NAMES = ('equip', 'drain')
NOT_JSON = {
    'via csv', 'csv', 'open_images', 'retinanet', 'automl', 'cvat', 'labelme_xml', 'dlib',
    'kitti', 'dota', 'keras_yolo', 'darknet',
}  # fmt: skip


@pytest.mark.parametrize('tool', TOOLS)
def test_an_export_is_read_under_its_name_without_fault(make, tool):
    TOOLS[tool](make)
    report = check(make.root, names=NAMES)
    assert report.faults == ()
    assert report.kind == tool.split()[0]
    assert report.task == ('segment' if tool in OUTLINED else 'detect')
    with open_set(make.root, names=NAMES) as found:
        train = {s.image_path.stem: boxes_px(s) for s in found.labelled.of_split('train')}
        assert train == TRAIN_BOXES
        assert [boxes_px(s) for s in found.labelled.of_split('val')] == [[(1, (96, 72, 160, 120))]]


@pytest.mark.parametrize('tool', ['cvat', 'csv'])
def test_an_export_converts_to_a_set_without_fault(make, tmp_path, tool):
    TOOLS[tool](make)
    convert(make.root, tmp_path / 'out', Conversion(names=NAMES))
    report = check(tmp_path / 'out')
    assert report.faults == ()
    assert report.names == NAMES


def test_a_zipped_export_in_a_folder_is_read_as_the_folder(make, tmp_path):
    TOOLS['labelme'](make)
    path = shutil.make_archive(str(tmp_path / 'export'), 'zip', make.root.parent, make.root.name)
    assert check(path).faults == ()
    assert check(path).kind == 'labelme'


def test_every_format_that_is_read_has_a_set_here_or_in_another_test():
    elsewhere = {'yolo', 'coco', 'voc', 'mot', 'visdrone'}
    read = {one.key for one in FORMATS if one.read is not None or one.key == 'yolo'}
    assert read == {tool.split()[0] for tool in TOOLS} | elsewhere


def test_a_format_is_known_by_its_content_and_not_by_its_name(make):
    TOOLS['label_studio'](make)
    source = make.root / 'project-1-at-2026.json'
    source.rename(make.root / '_annotations.coco.json')
    assert check(make.root).kind == 'label_studio'


def labelme_with(make, shapes):
    path = make.write_image(make.root / 'roof.png', 0)
    put(path.with_suffix('.json'), {'shapes': shapes, 'imagePath': 'roof.png'})
    return make.root


def only_sample(root):
    with open_set(root) as found:
        assert found.log.faults == []
        (sample,) = found.labelled.samples
        return sample


def outline_px(sample):
    return sample.instances[0].polygons[0] * (160, 120)


@pytest.mark.parametrize('kind', ['point', 'line', 'linestrip'])
def test_a_shape_without_area_is_refused_by_name_and_place(make, kind):
    shape = {'label': 'vent', 'shape_type': kind, 'points': [[1, 2], [3, 4]]}
    box = {'label': 'vent', 'shape_type': 'rectangle', 'points': [[9, 9], [30, 30]]}
    report = check(labelme_with(make, [box, shape]))
    (fault,) = report.faults
    assert (fault.file, fault.kind) == ('roof.json', 'shape')
    assert fault.text.startswith(f"shapes[1]: 'vent' is a {kind}, which covers no area")


def test_a_circle_becomes_its_outline(make):
    shape = {'label': 'fan', 'shape_type': 'circle', 'points': [[80, 60], [80, 80]]}
    outline = outline_px(only_sample(labelme_with(make, [shape])))
    np.testing.assert_allclose(np.linalg.norm(outline - (80, 60), axis=1), 20)


def test_a_rotated_rectangle_turns_in_pixels_around_its_upper_left_corner(make):
    make.write_image(make.root / 'roof.png', 0)
    value = {'x': 50, 'y': 25, 'width': 25, 'height': 10, 'rotation': 90,
             'rectanglelabels': ['equip']}  # fmt: skip
    region = {'original_width': 160, 'original_height': 120, 'value': value}
    task = {'data': {'image': 'roof.png'}, 'annotations': [{'result': [region]}]}
    put(make.root / 'tasks.json', [task])
    expected = [(80, 30), (80, 70), (68, 70), (68, 30)]
    np.testing.assert_allclose(outline_px(only_sample(make.root)), expected, atol=1e-9)


def brush(mask):
    """Pack a mask as Label Studio's brush does: four equal values a pixel, in runs of 8 bits."""
    values = np.repeat(mask.reshape(-1).astype(int) * 255, 4)
    edges = np.flatnonzero(np.diff(values)) + 1
    bits = f'{len(values):032b}' + f'{7:05b}' + ''.join(f'{n - 1:04b}' for n in (3, 4, 8, 16))
    for start, end in zip([0, *edges], [*edges, len(values)], strict=True):
        for begin in range(start, end, 2**16):
            length = min(end - begin, 2**16)
            bits += f'1{3:02b}{length - 1:016b}{values[begin]:08b}'
    bits += '0' * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def studio_brush(make, rle):
    make.write_image(make.root / 'roof.png', 0)
    value = {'format': 'rle', 'rle': rle, 'brushlabels': ['equip']}
    region = {'original_width': 160, 'original_height': 120, 'value': value}
    task = {'data': {'image': 'roof.png'}, 'annotations': [{'result': [region]}]}
    put(make.root / 'tasks.json', [task])
    return make.root


def test_a_brush_mask_is_read_to_within_half_a_pixel(make):
    mask = np.zeros((120, 160), bool)
    mask[20:50, 30:90] = True
    box = only_sample(studio_brush(make, brush(mask))).instances[0].box_xyxy
    np.testing.assert_allclose(box * np.tile((160, 120), 2), (30, 20, 90, 50), atol=0.51)


@pytest.mark.parametrize('rle', [[], [1, 2, 3], [300], [0, 0, 0, 9, 0, 0, 0, 0], 'text', [-1]])
def test_a_damaged_brush_mask_is_a_fault_and_no_crash(make, rle):
    assert [fault.kind for fault in check(studio_brush(make, rle)).faults] == ['number']


CVAT_VIDEO = """<annotations><meta><task><labels><label><name>equip</name></label></labels>
<original_size><width>160</width><height>120</height></original_size></task></meta>
<track id="0" label="equip">
<box frame="0" outside="0" occluded="0" keyframe="1" xtl="10" ytl="10" xbr="40" ybr="40"/>
<box frame="1" outside="0" occluded="0" keyframe="0" xtl="20" ytl="10" xbr="50" ybr="40"/>
<box frame="2" outside="1" occluded="0" keyframe="1" xtl="30" ytl="10" xbr="60" ybr="40"/>
</track></annotations>
"""


def test_tracks_of_a_video_are_read_frame_by_frame_without_what_left_the_image(make):
    for frame in range(3):
        make.write_image(make.root / f'images/frame_{frame:06d}.PNG', frame)
    put(make.root / 'annotations.xml', CVAT_VIDEO)
    report = check(make.root)
    assert report.faults == ()
    assert report.splits['all'].instances == 2
    assert report.skipped == {'boxes of tracks that have left the image': 1}
    assert 'left out: 1 boxes of tracks' in str(report)


def test_mot_is_read_by_frame_and_what_it_ignores_is_counted(make):
    for frame in (1, 2):
        make.write_image(make.root / f'roof-01/img1/{frame:06d}.png', frame)
    put(make.root / 'roof-01/gt/labels.txt', 'equip\ndrain\n')
    rows = '1,1,10,10,20,20,1,1,1.0\n2,1,10,10,20,20,1,2,1.0\n2,2,10,10,20,20,0,1,1.0\n'
    put(make.root / 'roof-01/gt/gt.txt', rows)
    with open_set(make.root) as found:
        assert found.log.faults == []
        assert [boxes_px(s) for s in found.labelled.samples] == [
            [(0, (10, 10, 30, 30))],
            [(1, (10, 10, 30, 30))],
        ]
        assert found.log.skipped == {'boxes that gt.txt marks as ignored': 1}


def test_visdrone_is_read_with_its_own_classes(make):
    make.write_image(make.root / 'images/a.png', 0)
    put(make.root / 'annotations/a.txt', '10,10,20,20,1,4,0,0\n0,0,50,50,0,0,0,0\n')
    with open_set(make.root) as found:
        (sample,) = found.labelled.samples
        assert boxes_px(sample) == [(3, (10, 10, 30, 30))]
        assert found.labelled.names[3] == 'car'
        assert found.log.skipped == {'ignored regions': 1}


def test_a_rotated_box_of_voc_is_its_outline(make):
    make.write_image(make.root / 'roof.png', 0)
    angle = np.pi / 2
    put(
        make.root / 'roof.xml',
        '<annotation><filename>roof.png</filename><size><width>160</width><height>120</height>'
        f'</size><object><name>equip</name><robndbox><cx>80</cx><cy>60</cy><w>40</w><h>20</h>'
        f'<angle>{angle}</angle></robndbox></object></annotation>',
    )
    box = only_sample(make.root).instances[0].box_xyxy * np.tile((160, 120), 2)
    np.testing.assert_allclose(box, (70, 40, 90, 80))


def test_a_voc_file_without_a_size_takes_that_of_its_image(make):
    make.write_image(make.root / 'roof.png', 0)
    for size in ('', '<size><width>0</width><height>0</height></size>'):
        put(
            make.root / 'roof.xml',
            f'<annotation><filename>roof.png</filename>{size}<object><name>no</name><bndbox>'
            '<xmax>80</xmax><xmin>40.0</xmin><ymax>60.5</ymax><ymin>30</ymin></bndbox></object>'
            '</annotation>',
        )
        box = only_sample(make.root).instances[0].box_xyxy * np.tile((160, 120), 2)
        np.testing.assert_allclose(box, (40, 30, 80, 60.5))
        assert 'its own is taken' in str(check(make.root))


REFUSED = {
    'TFRecord': ('train.tfrecord', 'x'),
    'Parquet': ('data.parquet', 'x'),
    'COCO results': ('r.json', [{'image_id': 1, 'category_id': 1, 'bbox': [], 'score': 0.5}]),
    'COCO panoptic': ('p.json', {'images': [], 'annotations': [{'segments_info': []}],
                                 'categories': []}),
    'VGG Image Annotator 3': ('v.json', {'project': {}, 'config': {}, 'view': {},
                                         'metadata': {}}),
    'Cityscapes': ('c.json', {'imgHeight': 1, 'imgWidth': 1, 'objects': []}),
    'GeoJSON': ('g.geojson', {'type': 'FeatureCollection', 'features': []}),
    'Label Studio (CSV)': ('ls.csv', 'annotation_id,annotator,label,lead_time\n1,1,,1\n'),
    'Semantic masks of Roboflow': ('_classes.csv', 'Pixel Value, Class\n0, background\n'),
    'PaliGemma': ('p.jsonl', '{"image": "a.png", "prefix": "d", "suffix": "<loc1> a"}\n'),
    'Conversations': ('c.jsonl', '{"messages": [{"role": "user"}]}\n'),
    'Classes of whole images': ('_classes.csv', 'filename,a,b\nx.png,0,1\n'),
}  # fmt: skip


@pytest.mark.parametrize('title', REFUSED)
def test_a_format_that_is_not_read_is_refused_by_its_name_with_the_way_out(make, title):
    name, content = REFUSED[title]
    make.write_image(make.root / 'a.png', 0)
    put(make.root / name, content)
    (fault,) = check(make.root).faults
    assert fault.text.startswith(f'{name} is {title}')
    assert 'which is not read: ' in fault.text


def test_classes_in_folders_and_unknown_files_are_named(make):
    for split, name in (('train', 'fan'), ('val', 'vent')):
        make.write_image(make.root / split / name / 'a.png', 0)
    assert 'sorts whole images into folders by class (fan, vent)' in str(check(make.root))
    put(make.root / 'x.json', {'hello': 1})
    assert 'x.json: holds JSON of no known format (an object with hello)' in str(check(make.root))


def test_a_folder_of_two_formats_says_which_is_read(make):
    TOOLS['labelme'](make)
    put(make.root / 'a.geojson', {'type': 'FeatureCollection', 'features': []})
    TOOLS['createml'](make)
    report = check(make.root)
    assert report.kind == 'labelme'
    mixed = [str(warning) for warning in report.warnings if warning.kind == 'mixed_formats']
    assert len(mixed) == 2
    assert any('2 file(s) of CreateML JSON are not read' in text for text in mixed)


def test_an_image_that_may_be_any_of_several_is_a_fault_and_the_nearest_is_taken(make):
    for folder in ('one', 'two'):
        make.write_image(make.root / folder / 'DJI_0001.png', 0)
    rows = [['filename', 'width', 'height', 'class', 'xmin', 'ymin', 'xmax', 'ymax']]
    rows.append(['DJI_0001.png', 160, 120, 'equip', 1, 1, 9, 9])
    put(make.root / 'labels.csv', table(rows))
    assert [fault.kind for fault in check(make.root).faults] == ['image_unclear']
    rows[1][0] = 'C:\\flights\\two\\DJI_0001.png'
    put(make.root / 'labels.csv', table(rows))
    with open_set(make.root) as found:
        labelled = [s.image_path.parent.name for s in found.labelled.samples if s.instances]
    assert labelled == ['two']
    assert [w.kind for w in check(make.root).warnings if w.kind == 'path_mapped']


def test_labels_without_any_of_their_images_are_one_fault(make):
    TOOLS['cvat'](make)
    shutil.rmtree(make.root / 'train')
    shutil.rmtree(make.root / 'valid')
    kinds = [fault.kind for fault in check(make.root).faults]
    assert sorted(kinds) == ['empty', 'image_missing']


@pytest.mark.parametrize('tool', ['labelme', 'label_studio', 'csv', 'cvat', 'darwin', 'labelbox'])
def test_a_file_cut_short_is_a_fault_and_no_crash(make, tool):
    TOOLS[tool](make)
    for path in make.root.rglob('*'):
        if path.suffix in {'.json', '.xml', '.csv', '.ndjson'}:
            raw = path.read_bytes()
            path.write_bytes(raw[: len(raw) * 2 // 3])
    report = check(make.root)
    assert report.faults
    assert report.kind == tool


WRONG = (None, 'x', [], {}, [[1]], -1, True, 1e400)
OF_JSON = [tool for tool in TOOLS if tool not in {'labelbox', 'ground_truth'} | NOT_JSON]


@pytest.mark.parametrize('tool', OF_JSON)
def test_wrong_values_anywhere_are_faults_and_no_crash(make, tool):
    """Values of the first label file are replaced, one after the other."""
    TOOLS[tool](make)
    path = next(p for p in sorted(make.root.rglob('*.json')) if p.name != 'meta.json')
    whole = json.loads(path.read_text())
    places = list(places_in(whole))
    for number, place in enumerate(places[:: len(places) // 15 + 1]):
        for value in WRONG[number % 2 :: 2]:
            put(path, replaced(whole, place, value))
            with contextlib.suppress(DatasetError), open_set(make.root):
                pass


def places_in(value, place=()):
    if place:
        yield place
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places_in(one, (*place, key))


def replaced(whole, place, value):
    copy = json.loads(json.dumps(whole))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return copy
