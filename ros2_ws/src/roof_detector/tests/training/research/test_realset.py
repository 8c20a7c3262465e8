# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A set composed of photographs: true labels, nothing of what judges, the same from one seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import yaml

from training.dataset import check
from training.dataset.error import DatasetError
from training.research.realset.__main__ import main
from training.research.realset.cutout import crack_cutouts, rust_cutouts
from training.research.realset.material import CLASSES, Material, Source
from training.research.realset.photo import Photo

GREY = 150
RESERVED = (
    *('hotosm/', 'CrackForest', 'TUMFTM/RID', 'nalkael', 'raschad7', 'imguru-mooc', 'Qunmasj'),
    *('odm_data_copr', 'brighton_beach', 'orthority', 'DJI_SRT_Parser'),
)


def cracked(side=200, level=GREY):
    """Return grey concrete with one dark line from top to bottom, and the box of it."""
    rng = np.random.default_rng(3)
    image = np.clip(rng.normal(level, 4, (side, side, 3)), 0, 255).astype(np.uint8)
    cv2.line(image, (90, 20), (110, 180), (level // 3,) * 3, 3)
    return Photo(image, np.array([[86.0, 18.0, 114.0, 182.0]]), CLASSES.index('crack'))


@pytest.fixture
def folder(tmp_path):
    """Write a source of cracks, one of bare ground, and their description."""
    for name in ('train', 'val'):
        for kind in ('images', 'labels'):
            (tmp_path / 'quay' / kind / name).mkdir(parents=True)
        photo = cracked(level=GREY if name == 'train' else 220)
        cv2.imwrite(str(tmp_path / 'quay/images' / name / 'one.png'), photo.image_bgr)
        (tmp_path / 'quay/labels' / name / 'one.txt').write_text('0 0.5 0.5 0.14 0.82\n')
    (tmp_path / 'field').mkdir()
    cv2.imwrite(str(tmp_path / 'field/a.png'), np.full((500, 900, 3), (60, 120, 90), np.uint8))
    about = {'root': 'data', 'repository': 'none', 'commit': 'none', 'licence': 'CC0'}
    sources = {
        'quay': {
            **{**about, 'images': 'quay/images/train/*.png', 'role': 'labelled'},
            **{'class': 'crack', 'zoom': [0.9, 2.0], 'share': 0.5},
            'validate': 'quay/images/val/*.png',
        },
        'field': {
            **{**about, 'images': 'field/*.png', 'role': 'ground'},
            **{'zoom': [0.8, 1.0], 'share': 0.2},
        },
    }
    laid = {'crack': {'of': 'quay', 'surfaces': ['field'], 'share': 0.3}}
    content = yaml.safe_dump({'sources': sources, 'laid': laid})
    (tmp_path / 'material.yaml').write_text(content)
    return tmp_path


def make(folder, output, *more):
    return main(
        [
            *('--data', str(folder), '--public', str(folder)),
            *('--material', str(folder / 'material.yaml')),
            *('--images', '6', '--output', str(output), *more),
        ]
    )


def test_a_set_is_sound_and_shows_every_source(folder, capsys):
    assert make(folder, folder / 'set') == 0
    assert not check(folder / 'set').faults
    shown = capsys.readouterr().out
    assert [name in shown for name in ('quay', 'field', 'crack')] == [True, True, True]
    names = {path.name[:5] for path in (folder / 'set/images/train').iterdir()}
    assert names == {'quay_', 'field', 'crack'}


def test_validation_is_the_photographs_unchanged_and_none_of_them_trains(folder):
    make(folder, folder / 'set')
    (validation,) = (folder / 'set/images/val').iterdir()
    assert cv2.imread(str(validation)).shape == (200, 200, 3)
    for path in (folder / 'set/images/train').glob('quay_*'):
        assert np.median(cv2.imread(str(path))) < 200  # the validating concrete is at 220


def test_photographs_that_validate_may_be_cut_at_other_rows(folder):
    content = yaml.safe_load((folder / 'material.yaml').read_text())
    field = content['sources']['field']
    field.update(rows=[0.0, 0.9], validate='field/*.png', validate_rows=[0.0, 0.5])
    (folder / 'material.yaml').write_text(yaml.safe_dump(content))
    sources = {one.name: one for one in Material.read(folder / 'material.yaml').sources}
    for is_validation, height in ((False, 450), (True, 250)):
        (photo,) = sources['field'].photos({'data': folder}, validation=is_validation)
        assert photo.size_wh == (900, height)


def test_the_same_seed_makes_the_same_set_and_another_one_another(folder):
    for name, seed in (('one', '5'), ('again', '5'), ('other', '6')):
        make(folder, folder / name, '--seed', seed)
    one, again, other = (
        [path.read_bytes() for path in sorted((folder / name / 'images/train').iterdir())]
        for name in ('one', 'again', 'other')
    )
    assert one == again
    assert one != other


def test_a_source_that_is_absent_is_named_with_what_to_do(folder, capsys):
    (folder / 'field/a.png').unlink()
    assert make(folder, folder / 'set') == 2
    assert '--without field' in capsys.readouterr().err
    assert make(folder, folder / 'set', '--without', 'field') == 0
    assert not list((folder / 'set/images/train').glob('crack_*'))  # nothing to lay cracks on


def test_masks_become_a_box_around_each_object_however_it_was_drawn(tmp_path):
    for kind in ('pictures', 'masks'):
        (tmp_path / kind).mkdir()
    mask = np.zeros((80, 120), np.uint8)
    mask[10:15, 5:40] = mask[10:15, 48:70] = 255  # one crack, drawn in two strokes
    mask[50:78, 100:105] = 255
    mask[70:74, 10:14] = 255  # a speck
    cv2.imwrite(str(tmp_path / 'pictures/a.png'), np.full((80, 120, 3), GREY, np.uint8))
    cv2.imwrite(str(tmp_path / 'masks/a.png'), mask)
    source = Source(
        **{'name': 'walls', 'root': 'public', 'images': 'pictures/*.png', 'share': 1.0},
        **{'masks': 'pictures:masks', 'role': 'labelled', 'class_id': CLASSES.index('crack')},
        **{'zoom': (1.0, 1.0), 'licence': 'CC0', 'commit': 'none', 'repository': 'none'},
    )
    (photo,) = source.photos({'public': tmp_path})
    assert photo.boxes_xyxy.tolist() == [[5, 10, 70, 15], [100, 50, 105, 78]]
    cv2.imwrite(str(tmp_path / 'masks/a.png'), mask[:40])
    with pytest.raises(DatasetError, match='no mask of 120x80'):
        source.photos({'public': tmp_path})


def test_what_judges_models_is_refused_as_training_material(folder):
    text = (folder / 'material.yaml').read_text().replace('field/*.png', 'equip/images/*.jpg')
    (folder / 'material.yaml').write_text(text)
    with pytest.raises(DatasetError, match='must not train'):
        Material.read(folder / 'material.yaml')


def test_the_material_of_the_project_has_licences_commits_and_no_reserved_source():
    material = Material.read()
    assert {one.class_id for one in material.sources} >= {CLASSES.index('crack'), None}
    for one in material.sources:
        assert one.licence
        assert one.commit
        owner = one.repository.split(' ')[0]
        if one.name != 'rust_roofs':  # the developers' own copy of the Kampala orthophoto
            assert not any(name in owner for name in RESERVED), owner


@pytest.mark.parametrize('mirrored', [False, True])
@pytest.mark.parametrize('quarters', [0, 1, 2, 3])
def test_boxes_follow_a_photo_that_is_turned_and_mirrored(quarters, mirrored):
    image = np.zeros((40, 70, 3), np.uint8)
    image[5:15, 50:62] = 255
    posed = Photo(image, np.array([[50.0, 5.0, 62.0, 15.0]])).posed(quarters, mirrored=mirrored)
    rows, columns = np.nonzero(posed.image_bgr[..., 0])
    seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert posed.boxes_xyxy[0].tolist() == seen


def test_a_window_leaves_out_boxes_of_which_it_shows_too_little():
    photo = Photo(np.zeros((50, 100, 3), np.uint8), np.array([[0.0, 0, 40, 40], [60, 10, 90, 30]]))
    assert photo.window(30, 0, (70, 50)).boxes_xyxy.tolist() == [[30, 10, 60, 30]]


def test_a_crack_laid_elsewhere_darkens_the_other_surface_by_the_same_ratio():
    (cut,) = crack_cutouts(cracked())
    bright = np.full((300, 300, 3), 240, np.uint8)
    box = cut.lay(bright, 50, 60)
    shown = bright[60:224, 50:78, 0]
    assert shown.min() < 120  # a third of 240, softened
    assert (bright[:60] == 240).all()
    assert 130 < box[3] - box[1] <= 164
    assert 15 < box[2] - box[0] <= 28


def test_plain_concrete_has_no_crack_to_cut_out_and_brown_steel_is_rust():
    plain = Photo(np.full((100, 100, 3), GREY, np.uint8), np.array([[10.0, 10, 40, 90]]))
    assert crack_cutouts(plain) == []
    assert rust_cutouts(plain) == []
    plain.image_bgr[20:80, 12:38] = (40, 70, 140)
    (rust,) = rust_cutouts(plain)
    ground = np.full((200, 200, 3), 250, np.uint8)
    rust.lay(ground, 0, 0)
    assert ground[40, 15].tolist() == [40, 70, 140]
