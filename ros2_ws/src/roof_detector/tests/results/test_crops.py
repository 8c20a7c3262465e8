# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import numpy as np

from roof_detector.results.crops import Crops
from roof_detector.vision.detections import Detections


def test_no_frames_make_an_empty_folder(tmp_path):
    Crops(tmp_path / 'crops').close()
    assert list((tmp_path / 'crops').iterdir()) == []


def test_each_detection_is_cut_out_with_its_surroundings(tmp_path, run):
    detections = Detections(
        boxes_xyxy=np.array([(40, 20, 60, 30)]), scores=np.array([0.9]), class_ids=np.array([1])
    )
    image = run.image(0)
    image[20:30, 40:60] = (0, 0, 255)
    with Crops(tmp_path / 'crops', margin=0.2) as export:
        export.write(run.frame(7, detections=detections), image)
    path = tmp_path / 'crops/air conditioner/air conditioner_one_000007_000.jpg'
    crop = cv2.imread(str(path))
    assert crop.shape == (18, 28, 3)
    assert crop[9, 14, 2] > 200 > crop[1, 1, 2]


def test_a_class_name_cannot_leave_the_folder(tmp_path, run):
    with Crops(tmp_path / 'crops') as export:
        export.write(run.frame(0, count=1, class_names=('../../up', 'b')), run.image(0))
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob('*.jpg')]
    assert [str(path) for path in written] == ['crops/_.._up/_.._up_one_000000_000.jpg']


def test_a_box_outside_the_image_is_counted_not_written(tmp_path, run):
    detections = Detections(
        boxes_xyxy=np.array([(200, 20, 260, 30)]), scores=np.array([0.9]), class_ids=np.array([0])
    )
    with Crops(tmp_path / 'crops') as export:
        export.write(run.frame(0, detections=detections), run.image(0))
        export.write(run.frame(1), None)
    assert '3 detections whose pixels are not available' in export.notes[0]
