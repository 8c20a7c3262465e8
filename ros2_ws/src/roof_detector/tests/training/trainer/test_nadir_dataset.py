# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import training.trainer  # noqa: F401  (must precede ultralytics)
from training.errors import TrainingError
from training.trainer.nadir_dataset import NadirDataset, turn

from ultralytics.cfg import get_cfg  # isort: skip
from ultralytics.utils.instance import Instances  # isort: skip


def open_set(data, *, rotate='auto', seed=0, augment=True, **hyper):
    chosen = {
        **{'mosaic': 0.0, 'scale': 0.0, 'translate': 0.0, 'fliplr': 0.0, 'flipud': 0.0},
        **{'hsv_h': 0.0, 'hsv_s': 0.0, 'hsv_v': 0.0},
        **hyper,
    }
    return NadirDataset(
        img_path=str(data.parent / 'images/train'),
        imgsz=64,
        augment=augment,
        hyp=get_cfg(overrides=chosen),
        batch_size=4,
        data={'names': {0: 'equip', 1: 'drain'}, 'channels': 3},
        task='detect',
        rotate=rotate,
        seed=seed,
    )


def boxes_fit(sample, *, tolerance_px):
    """Compare each box with the extent of the light or dark pixels that it should enclose."""
    image = sample['img'].numpy().astype(int).mean(axis=0)
    compared = 0
    for class_id, (x, y, width, height) in zip(
        sample['cls'].ravel().tolist(), (sample['bboxes'] * 64).tolist(), strict=True
    ):
        mask = image > 200 if class_id == 0 else image < 60
        rows, columns = np.nonzero(mask)
        if not len(rows):
            continue
        extent = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        inside = min(box) > 1 and max(box) < 63
        if inside:
            compared += 1
            assert np.abs(np.subtract(box, extent)).max() <= tolerance_px
    return compared


@given(
    quarters=st.integers(-4, 8),
    shape=st.tuples(st.integers(2, 9), st.integers(2, 9)),
    corner=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
)
@settings(deadline=None, max_examples=40)
def test_a_turn_moves_pixels_and_boxes_alike(quarters, shape, corner):
    height, width = shape
    image = np.zeros((height, width, 3), np.uint8)
    row, column = int(corner[1] * height), int(corner[0] * width)
    image[row, column] = 255
    box = [(column + 0.5) / width, (row + 0.5) / height, 1 / width, 1 / height]
    label = {
        'img': image,
        'ori_shape': (height, width),
        'instances': Instances(np.array([box], np.float32), bbox_format='xywh', normalized=True),
    }
    turned = turn(label, quarters)
    height, width = turned['img'].shape[:2]
    (row,), (column,) = np.nonzero(turned['img'][:, :, 0])
    expected = [(column + 0.5) / width, (row + 0.5) / height, 1 / width, 1 / height]
    np.testing.assert_allclose(turned['instances'].bboxes[0], expected, atol=1e-6)
    assert turned['ori_shape'] == (height, width)


def test_boxes_alone_are_turned_by_quarters_and_stay_exact(boxes_set):
    images = open_set(boxes_set)
    assert images.turns_quarters and not images.turns_any_angle
    assert sum(boxes_fit(images[i], tolerance_px=0.01) for i in range(8)) > 4


def test_outlines_are_turned_by_any_angle_and_their_boxes_stay_tight(outlines_set):
    images = open_set(outlines_set)
    assert images.turns_any_angle and not images.turns_quarters
    assert sum(boxes_fit(images[i], tolerance_px=2.0) for i in range(8)) > 4


def test_boxes_alone_are_not_turned_by_any_angle(boxes_set):
    with pytest.raises(TrainingError, match='rotate: quarter'):
        open_set(boxes_set, rotate='any')


def test_validation_images_are_not_turned(outlines_set):
    images = open_set(outlines_set, augment=False)
    assert not images.turns_quarters
    assert np.array_equal(images[0]['img'], images[0]['img'])


def test_a_sample_follows_from_seed_epoch_and_index_alone(boxes_set):
    wild = {'mosaic': 1.0, 'scale': 0.5, 'translate': 0.1, 'hsv_v': 0.4, 'fliplr': 0.5}
    first, second = open_set(boxes_set, **wild), open_set(boxes_set, **wild)
    for i in (5, 0, 3):
        second[i]  # what was loaded before plays no part
    expected = first[3]
    assert np.array_equal(second[3]['img'], expected['img'])
    assert np.array_equal(second[3]['bboxes'], expected['bboxes'])
    second.epoch = 1
    assert not np.array_equal(second[3]['img'], expected['img'])
    assert not np.array_equal(open_set(boxes_set, seed=1, **wild)[3]['img'], expected['img'])


def test_a_cache_of_labels_beside_the_data_is_neither_read_nor_written(boxes_set):
    cache = boxes_set.parent / 'labels' / 'train.cache'
    cache.write_bytes(b'a pickle that must not be opened')
    try:
        assert len(open_set(boxes_set)) == 8
        assert cache.read_bytes() == b'a pickle that must not be opened'
    finally:
        cache.unlink()
