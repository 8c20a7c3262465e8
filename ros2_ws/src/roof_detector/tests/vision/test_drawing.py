# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.vision.detections import Detections
from roof_detector.vision.drawing import draw_detections
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.masks import InstanceMasks
from roof_detector.vision.palette import class_colours

NAMES = ('equip', 'drain', 'crack', 'ponding', 'rust')


def one(box, class_id=0) -> Detections:
    return Detections(
        boxes_xyxy=np.array([box]), scores=np.array([0.8]), class_ids=np.array([class_id])
    )


def ground(width=640, height=360) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def test_with_nothing_found_the_drawing_is_a_copy():
    image = ground()
    drawn = draw_detections(image, Detections.empty(), NAMES)
    assert np.array_equal(drawn, image)
    assert not np.shares_memory(drawn, image)


def test_the_source_is_left_as_it_was():
    image = ground()
    image.flags.writeable = False
    draw_detections(image, one([100, 100, 200, 200]), NAMES)
    assert (image == 128).all()


def test_the_box_is_outlined_in_the_colour_of_its_class_and_not_filled():
    drawn = draw_detections(ground(), one([100, 100, 300, 300], 2), NAMES)
    assert tuple(drawn[300, 200]) == class_colours(NAMES)[2]
    assert (drawn[150:250, 150:250] == 128).all()


@pytest.mark.parametrize(
    'box', [[-20, -20, 30, 30], [620, 340, 700, 400], [0, 0, 640, 360], [50, 50, 50, 50]]
)
def test_boxes_at_the_edge_keep_their_label_in_the_image(box):
    bare = draw_detections(ground(), one(box), NAMES, draw_labels=False)
    labelled = draw_detections(ground(), one(box), NAMES)
    label = np.argwhere((bare != labelled).any(axis=2))
    height, width = np.ptp(label, axis=0) + 1
    assert width > 40
    assert height >= 8


def test_labels_grow_with_the_image():
    def label_height(width: int, height: int) -> int:
        box = [width * 0.3, height * 0.5, width * 0.5, height * 0.8]
        bare = draw_detections(ground(width, height), one(box), NAMES, draw_labels=False)
        full = draw_detections(ground(width, height), one(box), NAMES)
        rows = np.flatnonzero((bare != full).any(axis=(1, 2)))
        return int(np.ptp(rows))

    assert label_height(3840, 2160) > 2.5 * label_height(1280, 720)


def test_masks_tint_their_pixels_only():
    box = np.array([[100, 100, 300, 300]], np.float32)
    logits = np.full((1, 96, 160), -1, np.float32)
    logits[:, :, :50] = 1  # the left part, up to source column 200
    masks = InstanceMasks(logits=logits, boxes_xyxy=box, geometry=Letterbox.fit((640, 360)))
    found = Detections(
        boxes_xyxy=box, scores=np.array([0.8]), class_ids=np.array([1]), masks=masks
    )
    drawn = draw_detections(ground(), found, NAMES)
    assert (drawn[150:250, 150:190] != 128).any(axis=2).all()
    assert (drawn[150:250, 210:290] == 128).all()
    plain = draw_detections(ground(), found, NAMES, draw_masks=False)
    assert (plain[150:250, 150:190] == 128).all()


@pytest.mark.parametrize('count', [2, 20], ids=['few', 'more than the image holds'])
def test_pixels_under_several_masks_are_tinted_once_in_the_colour_of_the_surest(count):
    boxes = np.array([[100, 100, 300, 250], *([[200, 50, 600, 300]] * (count - 1))], np.float32)
    masks = InstanceMasks(
        logits=np.ones((count, 96, 160), np.float32),
        boxes_xyxy=boxes,
        geometry=Letterbox.fit((640, 360)),
    )
    scores, class_ids = np.linspace(0.9, 0.3, count), [0] + [1] * (count - 1)
    found = Detections(boxes_xyxy=boxes, scores=scores, class_ids=np.array(class_ids), masks=masks)
    drawn = draw_detections(ground(), found, NAMES, draw_labels=False)
    surest, other = drawn[150, 150], drawn[150, 500]
    assert (drawn[150:200, 210:290] == surest).all()
    assert not np.array_equal(surest, other)
    expected = 0.55 * 128 + 0.45 * np.array(class_colours(NAMES)[:2])
    assert np.abs(np.array([surest, other]) - expected).max() <= 1


def test_a_class_keeps_its_colour_whatever_the_order_of_names():
    colours = dict(zip(NAMES, class_colours(NAMES), strict=True))
    assert dict(zip(NAMES[::-1], class_colours(NAMES[::-1]), strict=True)) == colours
    assert len(set(colours.values())) == len(NAMES)


def test_more_classes_than_colours_still_have_one_each():
    assert len(class_colours(tuple(f'class {i}' for i in range(80)))) == 80
    assert class_colours(()) == ()
