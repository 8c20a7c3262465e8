# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import numpy as np
import pytest

from roof_detector.results.annotated_images import AnnotatedImages
from roof_detector.vision.drawing import draw_detections


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_no_frames_make_an_empty_folder(tmp_path):
    AnnotatedImages(tmp_path / 'images').close()
    assert names(tmp_path) == ['images'] and names(tmp_path / 'images') == []


def test_images_keep_their_names_and_frames_become_jpegs(tmp_path, run):
    with AnnotatedImages(tmp_path / 'images') as export:
        for index, name in enumerate(('a.PNG', 'b.jpeg', 'one_000002', 'roof.v2', '../../c.png')):
            export.write(run.frame(index, name=name), run.image(index))
    assert names(tmp_path / 'images') == [
        'a.PNG',
        'b.jpeg',
        'c.png',
        'one_000002.jpg',
        'roof.v2.jpg',
    ]
    assert names(tmp_path) == ['images']


def test_what_is_drawn_is_what_the_node_draws(tmp_path, run):
    findings, image = run.frame(0), run.image(0)
    with AnnotatedImages(tmp_path / 'images') as export:
        export.write(run.frame(0, name='a.png'), image)
    expected = draw_detections(image, findings.detections, run.names)
    written = cv2.imread(str(tmp_path / 'images/a.png'))
    np.testing.assert_array_equal(written, expected)
    assert (written != image).any()


def test_frames_of_one_name_do_not_overwrite_each_other(tmp_path, run):
    with AnnotatedImages(tmp_path / 'images') as export:
        for index in (0, 1, 1):
            export.write(run.frame(index, name='a.png'), run.image(index))
    assert names(tmp_path / 'images') == ['a.png', 'a_000001.png', 'a_000001_2.png']


def test_frames_without_images_are_counted(tmp_path, run):
    with AnnotatedImages(tmp_path / 'images') as export:
        export.write(run.frame(0), None)
    assert '1 frames whose images are not available' in export.notes[0]


def test_an_interrupted_folder_keeps_its_unfinished_name_and_is_replaced(tmp_path, run):
    with pytest.raises(ZeroDivisionError), AnnotatedImages(tmp_path / 'images') as export:
        export.write(run.frame(0), run.image(0))
        1 / 0  # noqa: B018
    assert names(tmp_path) == ['images.part']
    with AnnotatedImages(tmp_path / 'images') as export:
        export.write(run.frame(1), run.image(1))
    assert names(tmp_path) == ['images']
    assert names(tmp_path / 'images') == ['one_000001.jpg']
    AnnotatedImages(tmp_path / 'images', overwrite=True).close()
    assert names(tmp_path / 'images') == []
