# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A set of roofs from an orthophoto: whole, repeatable, and nothing of the east in training."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.dataset import check
from training.research.orthophoto.__main__ import main
from training.research.orthophoto.outlines import Bounds, read_outlines
from training.research.orthophoto.settlement import Settlement
from training.research.orthophoto.turned_window import TurnedWindow

BOUNDS = {'north': 0.01, 'west': 32.0, 'south': 0.0, 'east': 32.015}
WIDTH, HEIGHT = 600, 400
EAST_BGR = (255, 0, 255)
ROOFS_PX = [(60, 60, 140, 120), (200, 220, 260, 330), (370, 100, 440, 160), (480, 250, 560, 330)]


def corners(left, top, right, bottom):
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=float)


def degrees(points):
    """Map pixels to degrees; so near the equator web Mercator is even in both."""
    share = points / (WIDTH, HEIGHT)
    longitude = BOUNDS['west'] + share[:, 0] * (BOUNDS['east'] - BOUNDS['west'])
    latitude = BOUNDS['north'] + share[:, 1] * (BOUNDS['south'] - BOUNDS['north'])
    return np.stack([longitude, latitude], axis=1)


@pytest.fixture
def place(tmp_path):
    """Write soil with grey roofs; the east, from two thirds on, is of one loud colour."""
    image = np.full((HEIGHT, WIDTH, 3), (80, 110, 150), np.uint8)
    for left, top, right, bottom in ROOFS_PX:
        image[top:bottom, left:right] = 150
    image[:, 400:] = EAST_BGR
    cv2.imwrite(str(tmp_path / 'ortho.png'), image)
    (tmp_path / 'bounds.json').write_text(json.dumps(BOUNDS))
    rings = [degrees(corners(*roof)).tolist() for roof in ROOFS_PX]
    features = [
        {'type': 'Feature', 'geometry': {'type': 'Polygon', 'coordinates': [[*ring, ring[0]]]}}
        for ring in rings
    ]
    (tmp_path / 'roofs.geojson').write_text(json.dumps({'features': features}))
    return tmp_path


def make(place, output, *more):
    arguments = [
        str(place / 'ortho.png'),
        *('--outlines', str(place / 'roofs.geojson'), '--bounds', str(place / 'bounds.json')),
        *('--output', str(output), '--windows', '12', '--settlements', '3', '--size', '128'),
        *('--seed', '5', *more),
    ]
    return main(arguments)


def test_outlines_lie_where_the_map_puts_them(place):
    found = read_outlines(
        place / 'roofs.geojson', Bounds.read(place / 'bounds.json'), (WIDTH, HEIGHT)
    )
    for outline, roof in zip(found, ROOFS_PX, strict=True):
        np.testing.assert_allclose(outline, corners(*roof), atol=0.01)


def test_the_set_is_sound_and_the_same_again(place):
    assert make(place, place / 'one') == 0
    assert make(place, place / 'two') == 0
    report = check(place / 'one')
    assert not report.faults
    first = sorted(path for path in (place / 'one').rglob('*') if path.is_file())
    assert len([path for path in first if path.parent.name == 'train']) == 24
    for path in first:
        assert path.read_bytes() == (place / 'two' / path.relative_to(place / 'one')).read_bytes()


def test_nothing_of_the_east_is_trained_on(place):
    assert make(place, place / 'set', '--plain-share', '1') == 0
    for split, shown in (('train', False), ('val', True)):
        images = sorted((place / 'set' / 'images' / split).iterdir())
        assert images
        loud = 0
        for path in images:
            blue, green, red = np.moveaxis(cv2.imread(str(path)).astype(int), 2, 0)
            loud += int(((blue - green > 90) & (red - green > 90)).sum())
        assert bool(loud) is shown


def test_a_place_of_which_all_trains_joins_another_that_validates(place):
    assert make(place, place / 'whole', '--val-from-x', '1', '--plain-share', '1') == 0
    assert make(place, place / 'parted') == 0
    assert not (place / 'whole' / 'images' / 'val').exists()
    images = sorted((place / 'whole' / 'images' / 'train').iterdir())
    loud = [cv2.imread(str(path)).astype(int) for path in images]
    assert any((image[..., 0] - image[..., 1] > 90).any() for image in loud)

    (place / 'data.yaml').write_text(
        'train: [whole/images/train, parted/images/train]\nval: parted/images/val\nnames: [roof]\n'
    )
    assert not check(place / 'data.yaml').faults


@pytest.mark.parametrize('share', ['0', '-0.2', '1.01', 'nan'])
def test_a_border_outside_the_image_is_refused(place, capsys, share):
    assert make(place, place / 'set', '--val-from-x', share) == 2
    assert f'val_from_x is {float(share)}; give a share of the width' in capsys.readouterr().err
    assert not (place / 'set').exists()


def test_an_existing_set_is_left_alone(place, capsys):
    assert make(place, place / 'set') == 0
    assert make(place, place / 'set') == 2
    assert 'exists already' in capsys.readouterr().err


def test_rebuilding_adds_roofs_and_keeps_those_there_were():
    rng = np.random.default_rng(3)
    image = rng.integers(60, 160, (900, 1200, 3)).astype(np.uint8)
    old = Settlement(image, [corners(100, 100, 220, 180)])
    new = old.west_of(800).rebuilt(rng, until_x=800)
    assert len(new.outlines) > 10
    np.testing.assert_array_equal(new.outlines[0], old.outlines[0])
    for outline in new.outlines:
        assert outline[:, 0].max() < 800
    assert (new.image_bgr[:, 800:] == 114).all()


def test_ground_is_moved_to_other_ground_but_never_onto_a_roof():
    image = np.full((600, 1200, 3), (80, 110, 150), np.uint8)
    image[:, 600:] = EAST_BGR
    roof = corners(150, 150, 350, 450)
    new = Settlement(image, [roof]).rebuilt(np.random.default_rng(4), until_x=1200)
    blue, green, red = np.moveaxis(new.image_bgr.astype(int), 2, 0)
    loud = (blue - green > 60) & (red - green > 60)
    assert loud[:, :590].sum() > 200
    # A fiftieth of a piece may lap over a roof's edge.
    assert not loud[200:400, 190:310].any()


def test_roofs_of_another_place_are_built_in(place):
    image = np.full((HEIGHT, WIDTH, 3), (80, 110, 150), np.uint8)
    for left, top, right, bottom in ROOFS_PX:
        image[top:bottom, left:right] = (0, 255, 255)
    cv2.imwrite(str(place / 'other.png'), image)
    other = [str(place / name) for name in ('other.png', 'roofs.geojson', 'bounds.json')]
    shown = {}
    for name, more in (('alone', ()), ('both', ('--roofs-of', *other))):
        assert make(place, place / name, '--plain-share', '0', *more) == 0
        images = (place / name / 'images' / 'train').iterdir()
        shown[name] = 0
        for path in images:
            blue, green, red = np.moveaxis(cv2.imread(str(path)).astype(int), 2, 0)
            shown[name] += int(((green - blue > 120) & (red - blue > 120)).sum())
    assert shown['both'] > 1000 > 10 * shown['alone']


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0, 6.28),
    st.booleans(),
    st.floats(80, 400),
    st.tuples(st.floats(150, 250), st.floats(150, 250)),
)
def test_labels_turn_with_the_image(angle, mirrored, side, centre):
    image = np.zeros((400, 400, 3), np.uint8)
    roof = corners(170, 180, 240, 215)
    cv2.fillPoly(image, [roof.astype(np.int32)], (255, 255, 255))
    window = TurnedWindow(
        centre_xy=centre, side_px=side, angle_rad=angle, mirrored=mirrored, size_px=200
    )
    instances = window.instances([roof])
    cover = np.zeros((200, 200), np.uint8)
    for instance in instances:
        points = np.round(instance.polygons[0] * 200).astype(np.int32)
        cv2.fillPoly(cover, [points], (1,))
        shown = window.cut(image)[..., 0] > 127
        both = (shown & (cover > 0)).sum()
        assert both >= 0.75 * (shown | (cover > 0)).sum()
