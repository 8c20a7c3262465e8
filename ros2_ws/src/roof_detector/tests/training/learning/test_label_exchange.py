# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Frames leave for a labelling tool and their labels come back."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest
from flown_inspection import decide, fly_and_inspect

from roof_detector.history.errors import HistoryError
from roof_detector.history.frame_selection import SelectionSettings
from roof_detector.results.errors import ExportError
from training.dataset import check
from training.learning.__main__ import main
from training.learning.errors import LearningError
from training.learning.formats.writers import WRITERS
from training.learning.frame_export import ExportSettings, export_frames
from training.learning.frame_features import FrameFeatures
from training.learning.frame_labels import FrameLabels, label_box
from training.learning.label_changes import label_changes
from training.learning.returned_labels import take_back
from training.learning.selection_folder import (
    SelectedFrame,
    Selection,
    read_selection,
    write_selection,
)

NAMES = ('equip', 'roof drain', 'Riß & "co"')
SIZES = ((4000, 3000), (333, 777), (640, 360))
FILES = {
    'coco': 'annotations.json',
    'cvat': 'annotations.xml',
    'fiftyone': 'labels.json',
    'label_studio': 'tasks.json',
    'yolo': '.',
}

LONE = tuple(
    label_box(NAMES[0], (k, 0, k + 10, 10), SIZES[0], confidence=0.5) for k in (0, 20, 40)
)


def random_boxes(random, size_wh, count):
    found = []
    for k in range(count):
        corners = random.uniform((0, 0, 0, 0), (*size_wh, *size_wh))
        low, high = np.minimum(corners[:2], corners[2:]), np.maximum(corners[:2], corners[2:])
        box = label_box(
            NAMES[k % 3], (*low, *high), size_wh, confidence=random.uniform(), finding=k
        )
        assert box is not None
        found.append(box)
    return tuple(found)


@pytest.fixture(scope='module')
def selected(tmp_path_factory):
    """Return a folder with images of odd sizes and pre-labels in every format."""
    folder, random = tmp_path_factory.mktemp('selected'), np.random.default_rng(5)
    (folder / 'images').mkdir()
    frames = []
    for k, size_wh in enumerate(SIZES):
        name = f'roof 1_frame_{k:06d}.jpg'
        cv2.imwrite(str(folder / 'images' / name), np.full((*size_wh[::-1], 3), 90, np.uint8))
        labelled = FrameLabels(
            name=name, size_wh=size_wh, boxes=random_boxes(random, size_wh, 40 * (k < 2))
        )
        frames.append(
            SelectedFrame(
                labelled=labelled,
                inspection='roof',
                key=('f', '', name, k),
                score=1.0,
                reasons={'uncertain': 1.0},
            )
        )
    selection = Selection(names=NAMES, frames=tuple(frames))
    write_selection(folder, selection, formats=tuple(WRITERS), facts={})
    return folder


def accepted(folder, kind, target):
    """Return labels as a tool gives them back of an annotator who accepts all pre-labels."""
    place = shutil.copytree(folder / kind, target / kind)
    if kind == 'label_studio':
        tasks = json.loads((place / 'tasks.json').read_text())
        for task in tasks:
            task['annotations'] = [{'id': 1, 'result': task['predictions'][0]['result']}]
        (place / 'tasks.json').write_text(json.dumps(tasks))
    return place / FILES[kind]


def stated(frames):
    return {one.name: [box.stated for box in one.boxes] for one in frames}


def before(folder):
    return stated([one.labelled for one in read_selection(folder).frames])


@pytest.mark.parametrize('kind', WRITERS)
def test_labels_come_back_as_they_were(selected, tmp_path, kind):
    labels = accepted(selected, kind, tmp_path)
    found = take_back(selected, read_selection(selected), [labels])
    assert found.lost == []
    assert stated(found.frames.values()) == before(selected)


@pytest.mark.parametrize('kind', WRITERS)
def test_a_second_round_trip_changes_nothing(selected, tmp_path, kind):
    found = take_back(selected, read_selection(selected), [accepted(selected, kind, tmp_path)])
    (tmp_path / 'again').mkdir()
    frames = [found.frames[one.labelled.name] for one in read_selection(selected).frames]
    WRITERS[kind](tmp_path / 'again', frames, NAMES, '../images')
    written = (tmp_path / 'again').rglob('*')
    ours = {'confidence', 'finding', 'attributes', 'attribute', 'score', 'meta', 'info', 'name'}
    for file in written:
        if kind in ('yolo', 'fiftyone') and file.is_file() and file.suffix in ('.txt', '.json'):
            first = selected / kind / file.relative_to(tmp_path / 'again')
            if file.suffix == '.txt':
                assert file.read_text() == first.read_text()
            else:
                plain = json.loads(first.read_text())
                for boxes in plain['labels'].values():
                    for box in boxes:
                        for name in ours & box.keys():
                            del box[name]
                assert json.loads(file.read_text()) == plain


def test_label_studio_tasks_that_nobody_annotated_are_not_taken_for_empty(selected):
    found = take_back(selected, read_selection(selected), [selected / 'label_studio'])
    assert found.frames == {}
    assert 'tasks that nobody annotated yet' in '\n'.join(found.lost)


def test_frames_that_a_file_leaves_out_stay_unlabelled(selected, tmp_path):
    content = json.loads((selected / 'coco' / 'annotations.json').read_text())
    content['images'] = content['images'][:1]
    content['annotations'] = [one for one in content['annotations'] if one['image_id'] == 1]
    (tmp_path / 'part.json').write_text(json.dumps(content))
    found = take_back(selected, read_selection(selected), [tmp_path / 'part.json'])
    assert list(found.frames) == ['roof 1_frame_000000.jpg']


def add_stranger(kind, place):
    if kind == 'coco':
        content = json.loads(place.read_text())
        content['images'].append({'id': 99, 'file_name': 'other.jpg', 'width': 10, 'height': 10})
        place.write_text(json.dumps(content))
    elif kind == 'cvat':
        text = place.read_text().replace(
            '</annotations>',
            '<image id="9" name="other.jpg" width="9" height="9"></image></annotations>',
        )
        place.write_text(text)
    elif kind == 'fiftyone':
        content = json.loads(place.read_text())
        content['labels']['other'] = []
        place.write_text(json.dumps(content))
    elif kind == 'label_studio':
        tasks = json.loads(place.read_text())
        tasks.append({'data': {'image': 'other.jpg'}, 'annotations': [{'result': []}]})
        place.write_text(json.dumps(tasks))
    else:
        (place / 'labels' / 'all' / 'other.txt').write_text('0 0.5 0.5 0.1 0.1\n')


@pytest.mark.parametrize('kind', WRITERS)
def test_labels_of_a_frame_that_nobody_has_are_named_and_the_rest_is_taken(
    selected, tmp_path, kind
):
    labels = accepted(selected, kind, tmp_path)
    add_stranger(kind, labels)
    found = take_back(selected, read_selection(selected), [labels])
    (sentence,) = found.lost
    assert '1 frames that the selection does not have' in sentence
    assert 'other' in sentence
    assert stated(found.frames.values()) == before(selected)


@pytest.mark.parametrize('kind', WRITERS)
def test_a_damaged_label_file_is_named_and_the_others_are_taken(selected, tmp_path, kind):
    damaged = tmp_path / f'damaged_{FILES[kind].strip(".") or "label.txt"}'
    damaged.write_bytes(b'\x00{"images": [<')
    other = 'fiftyone' if kind == 'coco' else 'coco'
    labels = accepted(selected, other, tmp_path)
    found = take_back(selected, read_selection(selected), [damaged, labels])
    assert any(str(damaged) in one for one in found.lost)
    assert stated(found.frames.values()) == before(selected)


def test_a_frame_with_a_faulty_label_is_left_out_and_named(selected, tmp_path):
    labels = accepted(selected, 'cvat', tmp_path)
    text, count = re.subn('xtl="[^"]*"', 'xtl="much"', labels.read_text(), count=1)
    assert count == 1
    labels.write_text(text)
    found = take_back(selected, read_selection(selected), [labels])
    assert sorted(found.frames) == sorted(before(selected))[1:]
    assert '1 labels that cannot be used' in found.lost[0]
    assert 'annotations.xml' in found.lost[0]


def test_a_class_number_that_the_file_does_not_list_is_a_fault(selected, tmp_path):
    labels = accepted(selected, 'fiftyone', tmp_path)
    content = json.loads(labels.read_text())
    next(iter(content['labels'].values()))[0]['label'] = 7
    labels.write_text(json.dumps(content))
    found = take_back(selected, read_selection(selected), [labels])
    assert 'the label is 7; the file has 3 classes. [class]' in found.lost[0]


def test_what_annotators_changed_is_counted(selected):
    selection = read_selection(selected)
    first = selection.frames[0].labelled
    kept, moved, renamed, _ = first.boxes[0], *LONE
    one = replace(selection.frames[0], labelled=replace(first, boxes=(kept, *LONE)))
    selection = replace(selection, frames=(one, *selection.frames[1:]))
    now = (
        kept,
        replace(moved, box_xyxy=(1.0, 0.0, 11.0, 10.0)),
        replace(renamed, class_name=NAMES[1]),
        label_box(NAMES[0], (60, 60, 70, 70), first.size_wh),
    )
    changed = label_changes(selection, {first.name: replace(first, boxes=now)})
    counts = {name: changed.as_dict()[name] for name in ('kept', 'moved', 'renamed', 'added')}
    assert counts == {'kept': 1, 'moved': 1, 'renamed': 1, 'added': 1}
    assert (changed.removed, changed.unlabelled_frames) == (1, 2)


def test_a_zip_of_a_tool_with_its_own_copies_of_the_images_is_taken(selected, tmp_path):
    with zipfile.ZipFile(tmp_path / 'export.zip', 'w') as archive:
        for file in sorted((selected / 'yolo').rglob('*.*')):
            archive.write(file, file.relative_to(selected / 'yolo').as_posix())
        for file in (selected / 'images').iterdir():
            archive.write(file, f'images/all/{file.name}')
    found = take_back(selected, read_selection(selected), [tmp_path / 'export.zip'])
    assert found.lost == []
    assert stated(found.frames.values()) == before(selected)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{"format": 99}', 'update roof_detector'),
        ('{"format": 1}', 'is damaged'),
        ('[', 'is no selection'),
        (None, 'is no selection'),
    ],
)
def test_a_selection_that_cannot_be_read_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / 'selection.json').write_text(content)
    with pytest.raises(LearningError, match=message):
        read_selection(tmp_path)


@pytest.fixture(scope='module')
def flown(tmp_path_factory):
    roof = fly_and_inspect(tmp_path_factory.mktemp('flown'))
    decide(roof, 1, 'reject')
    decide(roof, 2, 'rename', 'hatch')
    return roof


def test_the_commands_choose_frames_and_take_their_labels_back(flown, tmp_path, capsys):
    out, labels = tmp_path / 'selection', tmp_path / 'set'
    words = ['select', str(flown), '--output', str(out), '--per-flight', '4', '--no-features']
    assert main(words) == 0
    assert '4 frames of roof: DJI_0001' in capsys.readouterr().out
    selection = read_selection(out)
    assert selection.names == ('equip', 'drain', 'crack', 'hatch')
    boxes = [box for one in selection.frames for box in one.labelled.boxes]
    assert 1 not in {one.finding for one in boxes}
    assert all(one.class_name == 'hatch' for one in boxes if one.finding == 2)
    assert main(['labels', str(out), str(out / 'yolo'), '--output', str(labels)]) == 0
    assert f'{len(boxes)} were kept, 0 moved' in capsys.readouterr().out
    report = check(labels)
    assert report.faults == ()
    assert report.names == selection.names
    add_stranger('yolo', out / 'yolo')
    words_of_labels = ['labels', str(out), str(out / 'yolo'), '--output', str(tmp_path / 'more')]
    assert main(words_of_labels) == 3
    assert 'other.txt' in capsys.readouterr().out
    assert check(tmp_path / 'more').faults == ()
    again = tmp_path / 'again'
    main([*words[:2], '--output', str(again), *words[4:], '--formats', 'coco'])
    assert (again / 'selection.json').read_bytes() == (out / 'selection.json').read_bytes()
    later = tmp_path / 'later'
    main([*words[:2], '--output', str(later), *words[4:], '--earlier', str(out)])
    keys = {one.key for one in selection.frames}
    assert not keys & {one.key for one in read_selection(later).frames}


def test_frames_whose_recording_is_gone_are_named_and_the_others_are_chosen(
    flown, tmp_path, capsys
):
    gone = shutil.copytree(flown, tmp_path / 'gone')
    shutil.rmtree(gone / 'detections')
    words = ['--output', str(tmp_path / 'out'), '--per-flight', '2', '--no-features']
    assert main(['select', str(gone), str(flown), *words]) == 3
    assert 'gone: The results of DJI_0001 are no longer in' in capsys.readouterr().out
    assert {one.inspection for one in read_selection(tmp_path / 'out').frames} == {'roof'}
    assert main(['select', str(gone), '--output', str(tmp_path / 'no'), '--no-features']) == 1
    assert not (tmp_path / 'no').exists()


def test_what_cannot_be_asked_for_is_refused_before_anything_is_read(flown, tmp_path):
    with pytest.raises(LearningError, match='choose of coco, cvat'):
        ExportSettings(formats=('pdf',))
    with pytest.raises(HistoryError, match='give 1 or more'):
        SelectionSettings(per_flight=0)
    (tmp_path / 'there').mkdir()
    with pytest.raises(ExportError, match='exists already'):
        export_frames([flown], tmp_path / 'there', ExportSettings(formats=('coco',)))


def test_the_features_of_a_network_tell_images_apart():
    features = FrameFeatures('roof_anomalies')
    random = np.random.default_rng(1)
    noise, other = random.integers(0, 256, (2, 90, 160, 3), dtype=np.uint8)
    flat = np.full((90, 160, 3), 120, np.uint8)
    found = [features.of(image) for image in (noise, other, flat, noise)]
    assert np.linalg.norm(found[0]) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(found[0], found[3])
    assert found[0] @ found[1] > found[0] @ found[2]


def test_a_model_that_does_not_show_its_features_is_refused(flown):
    with pytest.raises(LearningError, match='--no-features'):
        FrameFeatures(str(flown.parent / 'small.onnx'))
