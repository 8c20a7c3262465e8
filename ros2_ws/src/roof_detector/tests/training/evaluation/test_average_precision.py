# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Average precision agrees with COCO's own evaluation on the same boxes and masks."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from training.evaluation.image_comparison import ImageComparison
from training.evaluation.mask_overlap import overlap_of
from training.evaluation.metrics import measure

NAMES = ('equip', 'drain', 'crack')
SIDE = 400
MOST_FOUND = 300


def random_boxes(random, count, *, longest=150.0):
    sides = np.exp(random.uniform(np.log(4), np.log(longest), (count, 2)))
    corners = random.uniform(0, SIDE - 4, (count, 2))
    return np.column_stack((corners, np.minimum(corners + sides, SIDE)))


def random_image(random, *, most_true=12, wrong=15, jitter=0.15, repeats=0.3, coarse=False):
    """Boxes found near true ones, some twice, some of another class, among false alarms."""
    true_xyxy = random_boxes(random, int(random.integers(0, most_true + 1)))
    true_ids = random.integers(0, len(NAMES), len(true_xyxy))
    again = np.flatnonzero(random.random(len(true_xyxy)) < repeats)
    seen = np.concatenate((np.flatnonzero(random.random(len(true_xyxy)) < 0.8), again))
    sides = np.tile(true_xyxy[seen, 2:] - true_xyxy[seen, :2], 2)
    near = true_xyxy[seen] + random.normal(0, jitter, (len(seen), 4)) * sides
    far = random_boxes(random, int(random.integers(0, wrong + 1)))
    found_xyxy = np.clip(np.concatenate((near, far)), 0, SIDE)
    found_ids = np.concatenate((true_ids[seen], random.integers(0, len(NAMES), len(far))))
    swapped = random.random(len(found_ids)) < 0.1
    found_ids[swapped] = random.integers(0, len(NAMES), swapped.sum())
    scores = random.uniform(0.001, 1, len(found_ids))
    if coarse:  # many equal scores and corners on whole pixels
        scores, found_xyxy = np.ceil(scores * 8) / 8, np.rint(found_xyxy / 8) * 8
        true_xyxy = np.rint(true_xyxy / 8) * 8
        true_xyxy[:, 2:] = np.maximum(true_xyxy[:, 2:], true_xyxy[:, :2] + 8)
    found_xyxy[:, 2:] = np.maximum(found_xyxy[:, 2:], found_xyxy[:, :2] + 1)
    return found_xyxy, scores, found_ids, true_xyxy, true_ids


def coco_metrics(images, *, masks_of=None):
    """Return {class: (AP50, AP75, AP50-95, of small, medium, large)} by pycocotools."""
    truths, results = [], []
    for i, image in enumerate(images):
        found_masks, true_masks = masks_of[i] if masks_of else (None, None)
        for j, (box, class_id) in enumerate(
            zip(image.true.boxes_xyxy, image.true.class_ids, strict=True)
        ):
            truth = {
                'id': len(truths) + 1,
                'image_id': i,
                'category_id': int(class_id),
                'bbox': [*box[:2], *(box[2:] - box[:2])],
                'area': float((box[2:] - box[:2]).prod()),
                'iscrowd': 0,
            }
            if true_masks:
                truth |= {'segmentation': encode(true_masks[j]), 'area': true_masks[j].sum()}
            truths.append(truth)
        for j, (box, score, class_id) in enumerate(image.found.rows()):
            result = {'image_id': i, 'category_id': class_id, 'score': score}
            if found_masks:
                result['segmentation'] = encode(found_masks[j])
            else:
                result['bbox'] = [float(x) for x in (*box[:2], *(box[2:] - box[:2]))]
            results.append(result)
    with contextlib.redirect_stdout(io.StringIO()):
        truth_set = COCO()
        truth_set.dataset = {
            'images': [{'id': i, 'width': SIDE, 'height': SIDE} for i in range(len(images))],
            'categories': [{'id': i, 'name': name} for i, name in enumerate(NAMES)],
            'annotations': truths,
            'info': {},
        }
        truth_set.createIndex()
        result_set = truth_set.loadRes(results) if results else COCO()
        judge = COCOeval(truth_set, result_set, 'segm' if masks_of else 'bbox')
        judge.params.imgIds = list(range(len(images)))
        judge.params.catIds = list(range(len(NAMES)))
        judge.params.maxDets = [1, 10, MOST_FOUND]
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval['precision'][..., -1]  # (IoU, recall, class, size)
    averages = {}
    for k, name in enumerate(NAMES):
        cuts = [precision[0, :, k, 0], precision[5, :, k, 0]]
        cuts += [precision[:, :, k, size] for size in range(4)]
        averages[name] = [None if (cut == -1).all() else cut[cut > -1].mean() for cut in cuts]
    return averages


def encode(mask):
    return coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))


def our_metrics(images, *, masks=False):
    metrics = measure(images, NAMES, masks=masks, confidence=0.25)
    return {
        name: [one.ap50, one.ap75, one.ap50_95]
        + [one.by_size[size].ap50_95 for size in ('small', 'medium', 'large')]
        for name, one in metrics.per_class.items()
    }


def assert_agreement(ours, theirs):
    for name in NAMES:
        for own, other in zip(ours[name], theirs[name], strict=True):
            assert (own is None) == (other is None), (name, ours[name], theirs[name])
            assert own is None or own == pytest.approx(other, abs=1e-9)


NOTHING = ([], [], [], [], [])
BOX = (10.0, 10.0, 60.0, 50.0)


def test_images_with_nothing_in_them_have_no_average_precision(compared):
    images = [compared(*NOTHING), compared(*NOTHING)]
    assert our_metrics(images) == dict.fromkeys(NAMES, [None] * 6)
    assert_agreement(our_metrics(images), coco_metrics(images))


def test_what_is_there_and_not_found_counts_as_zero(compared):
    images = [compared([], [], [], [BOX], [0]), compared(*NOTHING)]
    assert our_metrics(images)['equip'] == [0, 0, 0, None, 0, None]


def test_a_perfect_answer_counts_as_one_and_a_duplicate_below_it_costs_nothing(compared):
    images = [compared([BOX, BOX], [0.9, 0.8], [0, 0], [BOX], [0])]
    assert our_metrics(images)['equip'][:3] == [pytest.approx(1)] * 3
    assert_agreement(our_metrics(images), coco_metrics(images))


def test_a_false_alarm_on_an_empty_image_costs_precision(compared):
    images = [compared([BOX], [0.9], [0], [], []), compared([BOX], [0.8], [0], [BOX], [0])]
    assert our_metrics(images)['equip'][0] == pytest.approx(0.5)
    assert_agreement(our_metrics(images), coco_metrics(images))


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize(
    'kind',
    [
        {},
        {'most_true': 90, 'wrong': 60, 'jitter': 0.25},
        {'repeats': 1.0, 'jitter': 0.05},
        {'coarse': True, 'most_true': 30},
        {'most_true': 2, 'wrong': 2},
    ],
    ids=['mixed', 'crowded', 'duplicates', 'equal scores', 'nearly empty'],
)
def test_average_precision_of_boxes_is_that_of_coco(compared, kind, seed):
    random = np.random.default_rng([seed, 11])
    images = [compared(*random_image(random, **kind)) for _ in range(8)]
    images.append(compared(*NOTHING))
    assert 0 < measure(images, NAMES, confidence=0.25).map50 < 1
    assert_agreement(our_metrics(images), coco_metrics(images))


@pytest.mark.parametrize('seed', range(3))
def test_average_precision_of_masks_is_that_of_coco(compared, seed):
    random = np.random.default_rng([seed, 12])
    images, masks_of = [], []
    for _ in range(6):
        bare = compared(*random_image(random, jitter=0.08))
        sides = [
            random_masks(random, boxes) for boxes in (bare.found.boxes_xyxy, bare.true.boxes_xyxy)
        ]
        masks_of.append([[whole(one) for one in side] for side in sides])
        images.append(
            ImageComparison(
                path=bare.path,
                true=bare.true,
                found=bare.found,
                boxes=bare.boxes,
                masks=overlap_of(*sides),
            )
        )
    assert_agreement(our_metrics(images, masks=True), coco_metrics(images, masks_of=masks_of))


def random_masks(random, boxes_xyxy):
    """Return boxes with a corner cut off, as rows and columns of a window and the mask there."""
    masks = []
    corners = np.rint(boxes_xyxy).astype(int)
    corners[:, :2] = np.minimum(corners[:, :2], SIDE - 1)
    for x1, y1, x2, y2 in corners.tolist():
        window = slice(y1, max(y2, y1 + 1)), slice(x1, max(x2, x1 + 1))
        inside = np.ones([side.stop - side.start for side in window], bool)
        cut = random.uniform(0, 0.6, 2) * inside.shape
        inside[: int(cut[0]), : int(cut[1])] = False
        masks.append((window, inside))
    return masks


def whole(mask):
    image = np.zeros((SIDE, SIDE), bool)
    image[mask[0]] = mask[1]
    return image
