# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from roof_detector.results.coco import CocoExport
from roof_detector.results.errors import ExportError


def write(folder, frames, *, names):
    with CocoExport(folder / 'd.json', folder / 'i.json', class_names=names) as export:
        for frame in frames:
            export.write(frame, None)


def judged(folder):
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(folder / 'i.json')).loadRes(str(folder / 'd.json'))


def test_no_frames_make_empty_lists(tmp_path, run):
    write(tmp_path, [], names=run.names)
    assert json.loads((tmp_path / 'd.json').read_text()) == []
    images = json.loads((tmp_path / 'i.json').read_text())
    assert images['images'] == [] and images['annotations'] == []
    assert [c['name'] for c in images['categories']] == ['vent', 'air conditioner']


def test_cocos_own_reader_resolves_images_categories_and_boxes(tmp_path, run):
    write(tmp_path, [run.frame(0, count=0), run.frame(5)], names=run.names)
    results = judged(tmp_path)
    (image,) = results.loadImgs([2])
    assert (image['file_name'], image['width'], image['frame']) == ('one_000005', 96, 5)
    assert results.getAnnIds(imgIds=[1]) == []
    _, second = results.loadAnns(results.getAnnIds(imgIds=[2]))
    assert second['bbox'] == [13.0, 7.0, 16.0, 28.0]
    assert second['score'] == 0.5
    assert results.loadCats([second['category_id']])[0]['name'] == 'air conditioner'


def test_masks_are_cocos_run_lengths(tmp_path, run):
    findings = run.masked(0)
    write(tmp_path, [findings], names=run.names)
    results = judged(tmp_path)
    for place, annotation in enumerate(results.loadAnns(results.getAnnIds())):
        expected = findings.detections.masks.full(place)
        np.testing.assert_array_equal(results.annToMask(annotation), expected)
        assert expected.any()


def test_two_models_do_not_share_a_file(tmp_path, run):
    with pytest.raises(ExportError, match='one model at a time'):
        write(tmp_path, [run.frame(0)], names=('other',))


def test_what_was_written_before_a_crash_stands_line_by_line(tmp_path, run):
    with (
        pytest.raises(ZeroDivisionError),
        CocoExport(tmp_path / 'd.json', tmp_path / 'i.json', class_names=run.names) as export,
    ):
        export.write(run.frame(0), None)
        1 / 0  # noqa: B018
    lines = (tmp_path / 'd.json.part').read_text().splitlines()
    assert len([json.loads(line.rstrip(',')) for line in lines[1:]]) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ['d.json.part', 'i.json.part']
