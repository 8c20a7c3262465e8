# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Drawn drains: tight boxes, none over another object, and no label on what is no drain."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import yaml

from training.research.realset import grates
from training.research.realset.composer import PhotoComposer
from training.research.realset.drawn import DRAIN_ID, with_drains
from training.research.realset.material import CLASSES, Material
from training.research.realset.photo import Photo
from training.research.realset.relief import DrawnLight, Pose, lay
from training.research.realset.street import leaves, scupper

KINDS = (
    *(grates.gully, grates.waffle, grates.channel, grates.round_grate),
    *(grates.roof_drain, grates.cover),
)
SUN = DrawnLight(azimuth=0.5, elevation=0.8, sun=0.6)
KEPT = np.array([280.0, 140.0, 360.0, 220.0])


def concrete(level=200, size_wh=(640, 360)):
    rng = np.random.default_rng(3)
    grain = rng.normal(level, 3, (size_wh[1], size_wh[0], 3))
    return np.clip(grain, 0, 255).astype(np.uint8)


def drawn(seed, boxes=(), most_px=450.0):
    surface = Photo(concrete(), np.array(boxes, dtype=np.float64).reshape(-1, 4), DRAIN_ID)
    rng = np.random.default_rng(seed)
    return with_drains(surface, concrete(140), rng, most_px=most_px)


@pytest.mark.parametrize('kind', KINDS, ids=lambda one: one.__name__)
@pytest.mark.parametrize('half_px', [9.0, 120.0])
@pytest.mark.parametrize('tilt', [0.0, 0.7], ids=['from above', 'slanting'])
def test_the_box_is_that_of_the_outline_and_what_was_drawn_lies_within(kind, half_px, tilt):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        shape = kind(rng)
        pose = Pose(centre_xy=(320, 180), half_px=half_px, turn=rng.uniform(0, 6), tilt=tilt)
        image = np.full((360, 640, 3), (40, 230, 40), np.uint8)  # no metal is so green
        box = lay(image, shape, pose, SUN, rng)
        points = pose.pixels(shape.points())
        assert box == pytest.approx([*points.min(axis=0), *points.max(axis=0)], abs=2)
        strength = image[..., 1].astype(int) - image[..., [0, 2]].max(axis=2)
        rows, columns = np.nonzero(strength < 25)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert (np.array(seen) - box)[:2].min() > -2
        assert (box - np.array(seen))[2:].min() > -2


def test_a_grate_is_dark_in_its_slots_and_a_cover_of_the_same_metal_is_not():
    pose = Pose(centre_xy=(320, 180), half_px=60, turn=0.0)

    def darkest(kind):
        found = []
        for seed in range(7):
            image, rng = concrete(), np.random.default_rng(seed)
            x1, y1, x2, y2 = lay(image, kind(rng), pose, SUN, rng).astype(int)
            found.append((image[y1:y2, x1:x2].max(axis=2) < 45).mean())
        return np.median(found)

    assert darkest(grates.waffle) > 0.1 > 5 * darkest(grates.cover)


def test_what_is_out_of_the_image_has_no_box():
    away = Pose(centre_xy=(900, 180), half_px=20, turn=0.0)
    rng = np.random.default_rng(1)
    image = concrete()
    assert lay(image, grates.gully(rng), away, SUN, rng) is None
    assert scupper(image.copy(), concrete(140), away, SUN, rng) is None
    leaves(image, np.array([-500.0, -500.0]), 10.0, SUN, rng)
    assert np.array_equal(image, concrete())


def test_drains_are_labelled_with_their_class_and_lie_apart():
    counts = set()
    for seed in range(12):
        photo = drawn(seed)
        assert CLASSES[photo.class_id] == 'drain'
        counts.add(len(photo.boxes_xyxy))
        for i, box in enumerate(photo.boxes_xyxy):
            assert (box[:2] >= 0).all()
            assert (box[2:] <= photo.size_wh).all()
            for other in photo.boxes_xyxy[:i]:
                assert np.maximum(box[:2] - other[2:], other[:2] - box[2:]).max() > 0
    assert {1, 2} <= counts <= {0, 1, 2, 3}


def test_nothing_is_drawn_over_objects_that_are_labelled_and_look_alikes_have_no_label():
    x1, y1, x2, y2 = KEPT.astype(int)
    unlabelled = 0
    for seed in range(12):
        photo = drawn(seed, boxes=[KEPT], most_px=120.0)
        assert photo.boxes_xyxy[0].tolist() == KEPT.tolist()
        assert np.array_equal(photo.image_bgr[y1:y2, x1:x2], concrete()[y1:y2, x1:x2])
        changed = np.abs(photo.image_bgr.astype(int) - concrete()).max(axis=2) > 30
        for box in photo.boxes_xyxy.astype(int):
            changed[max(box[1] - 40, 0) : box[3] + 40, max(box[0] - 40, 0) : box[2] + 40] = False
        unlabelled += bool(changed.sum() > 100)
    assert unlabelled >= 4


def test_what_nobody_could_see_on_dark_ground_is_not_labelled():
    dark = Photo(concrete(12), np.empty((0, 4)), DRAIN_ID)
    for seed in range(8):
        photo = with_drains(dark, concrete(12), np.random.default_rng(seed))
        for x1, y1, x2, y2 in photo.boxes_xyxy.astype(int):
            assert photo.image_bgr[y1:y2, x1:x2].std() > 6


def test_the_same_seed_draws_the_same_and_no_two_drains_are_alike():
    again, once = drawn(5), drawn(5)
    assert np.array_equal(again.image_bgr, once.image_bgr)
    assert np.array_equal(again.boxes_xyxy, once.boxes_xyxy)
    looks = []
    for seed in range(4):
        image, rng = concrete(), np.random.default_rng(seed)
        lay(image, grates.gully(rng), Pose(centre_xy=(60, 60), half_px=40, turn=0.0), SUN, rng)
        looks.append(image[:120, :120].astype(int))
    differences = [np.abs(a - b).mean() for i, a in enumerate(looks) for b in looks[:i]]
    assert min(differences) > 5


def test_a_material_composes_drains_on_surfaces_and_small_ones_on_grounds(tmp_path):
    cv2.imwrite(str(tmp_path / 'quay.png'), concrete(150, (400, 400)))
    cv2.imwrite(str(tmp_path / 'street.png'), concrete(120, (900, 500)))
    about = {
        **{'root': 'public', 'role': 'ground', 'zoom': [1, 1], 'share': 0},
        **{'repository': 'none', 'commit': 'none', 'licence': 'CC0'},
    }
    sources = {name: {**about, 'images': f'{name}.png'} for name in ('quay', 'street')}
    drains = {'surfaces': ['quay'], 'grounds': ['street'], 'share': 1.0, 'ground_px': 20}
    content = {'sources': sources, 'drawn': {'drains': drains}}
    (tmp_path / 'material.yaml').write_text(yaml.safe_dump(content))

    def composed():
        material = Material.read(tmp_path / 'material.yaml')
        composer = PhotoComposer(material=material, roots={'public': tmp_path})
        return list(composer.images(6, seed=3))

    first, second = composed(), composed()
    for (name, one), (_, other) in zip(first, second, strict=True):
        assert name == 'drains'
        assert one.size_wh == (640, 360)
        assert np.array_equal(one.image_bgr, other.image_bgr)
    assert sum(len(one.boxes_xyxy) for _, one in first) >= 5
    without = Material.read(tmp_path / 'material.yaml', without=frozenset({'street'}))
    assert without.drawn == ()
