# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from training.dataset import DatasetError, check
from training.dataset.allocation import allocate
from training.dataset.conversion import Conversion, convert
from training.dataset.groups import Groups, _near, groups_of
from training.dataset.image_facts import ImageFacts, facts_of
from training.dataset.labelled_set import Sample
from training.dataset.line_cut import LEFT_OUT, cut_along
from training.dataset.reader import open_set
from training.dataset.source_name import SourceName
from training.dataset.splitting import SplitOptions, split_dataset
from training.dataset.tiling import DatasetTiling


@pytest.mark.parametrize(
    ('name', 'source', 'video', 'number'),
    [
        ('roof.jpg', 'roof', None, None),
        ('roof_equip_4.png', 'roof_equip_4', None, 4),
        ('DJI_0001.JPG', 'DJI_0001', None, 1),
        ('DJI_0001_frame_000123.jpg', 'DJI_0001_frame_000123', 'DJI_0001', 123),
        (
            'DJI_0753_MP4-24_jpg.rf.726989d4c1c645fb79334ef2.jpg',
            'DJI_0753_MP4-24',
            'DJI_0753_MP4',
            24,
        ),
        ('video-mp4-12_jpg.rf.0123456789abcdef.jpg', 'video-mp4-12', 'video-mp4', 12),
        ('frame_0007.png', 'frame_0007', 'frame', 7),
        ('ortho_x00640_y00000.png', 'ortho_x00640_y00000', 'ortho', None),
    ],
)
def test_a_name_tells_its_upload_video_and_number(name, source, video, number):
    found = SourceName.of(Path(name))
    assert (found.source, found.number) == (source, number)
    assert found.video == video


def test_a_set_of_one_group_cannot_be_parted():
    with pytest.raises(DatasetError, match='cannot fill 2 parts'):
        allocate(np.array([[3.0, 1.0]]), [0.8, 0.2])


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 3)), min_size=4, max_size=60
    ),
    st.sampled_from([(0.8, 0.2), (0.7, 0.2, 0.1), (0.25,) * 4]),
    st.integers(0, 5),
)
@settings(deadline=None, max_examples=40)
def test_every_group_gets_one_part_no_part_is_empty_and_the_seed_decides(counts, shares, seed):
    table = np.array(counts, dtype=np.float64)
    parts = allocate(table, shares, seed=seed)
    assert parts.shape == (len(counts),)
    assert set(parts.tolist()) == set(range(len(shares)))
    assert (allocate(table, shares, seed=seed) == parts).all()


def test_many_small_groups_reach_the_shares_in_every_class():
    rng = np.random.default_rng(0)
    counts = np.column_stack([np.ones(200), rng.poisson(2, 200), rng.poisson(0.2, 200)])
    parts = allocate(counts, (0.7, 0.2, 0.1))
    for part, share in enumerate((0.7, 0.2, 0.1)):
        reached = counts[parts == part].sum(0) / counts.sum(0)
        np.testing.assert_allclose(reached, share, atol=0.03)


@given(
    st.lists(
        st.tuples(st.sampled_from('abcd'), st.integers(0, 400)),
        min_size=8,
        max_size=60,
        unique=True,
    ),
    st.sampled_from([(0.8, 0.2), (0.5, 0.25, 0.25)]),
    st.integers(0, 40),
)
@settings(deadline=None, max_examples=60)
def test_frames_within_the_guard_never_stand_on_two_sides(frames, shares, guard):
    samples = [
        Sample(image_path=Path(f'{video}_mp4_{number:06d}.jpg'), split='all')
        for video, number in frames
    ]
    facts = [ImageFacts(size_wh=(64, 48))] * len(samples)
    parts = cut_along(samples, facts, shares, by='order', guard_frames=guard)
    placed = [(*frame, part) for frame, part in zip(frames, parts, strict=True) if part >= 0]
    for video, number, part in placed:
        for other_video, other, other_part in placed:
            if video == other_video and part != other_part:
                assert abs(number - other) >= guard
                assert (number < other) == (part < other_part)


def geotagged(path: Path, image: np.ndarray, *, north_m: float, taken: str) -> Path:
    exif = Image.Exif()
    degrees = 47.0 + north_m / 111_320
    minutes, seconds = divmod(degrees % 1 * 3600, 60)
    gps = {1: 'N', 2: (47.0, minutes, seconds), 3: 'W', 4: (8.0, 30.0, 0.0)}
    exif.get_ifd(0x8825).update(gps)
    exif.get_ifd(0x8769)[0x9003] = taken
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., ::-1]).save(path, exif=exif, quality=95)
    return path


def test_place_and_time_are_read_from_exif(scenes, tmp_path):
    path = geotagged(tmp_path / 'a.jpg', scenes[0], north_m=500, taken='2026:05:01 12:00:00')
    facts = facts_of(path)
    assert facts.lat_lon_deg == pytest.approx((47.0 + 500 / 111_320, -8.5), abs=1e-7)
    later = geotagged(tmp_path / 'b.jpg', scenes[0], north_m=0, taken='2026:05:01 12:10:00')
    assert facts_of(later).taken_s == facts.taken_s + 600


@pytest.mark.parametrize(
    ('by', 'expected'),
    [
        ('look', [0, 1, 2, 3, 4, 5]),
        ('gps', [0, 0, 0, 1, 2, 2]),
        ('time', [0, 0, 1, 1, 2, 3]),
        ('auto', [0, 0, 0, 0, 1, 1]),
    ],
)
def test_images_of_one_place_or_flight_stay_together(scenes, tmp_path, by, expected):
    where_when = [
        (0, '2026:05:01 12:00:00'),
        (40, '2026:05:01 12:05:00'),
        (80, '2026:05:01 14:00:00'),
        (500, '2026:05:01 14:03:00'),
        (900, '2026:05:02 09:00:00'),
        (910, '2026:05:03 09:00:00'),
    ]
    paths = [
        geotagged(tmp_path / f'{i}.jpg', scenes[i], north_m=north_m, taken=taken)
        for i, (north_m, taken) in enumerate(where_when)
    ]
    samples = [Sample(image_path=path, split='all') for path in paths]
    assert groups_of(samples, [facts_of(path) for path in paths], by=by) == expected


def test_asking_for_what_no_image_tells_is_refused(make, tmp_path):
    with pytest.raises(DatasetError, match='tells its gps'):
        split_dataset(make.yolo(), tmp_path / 'out', SplitOptions(by='gps'))


def flights(make, *, videos=6, frames=3):
    """Videos whose frames would straddle any random split."""
    for video in range(videos):
        for frame in range(frames):
            image = np.roll(make.scenes[video], 5 * frame, axis=1)
            path = make.root / f'train/DJI_{video:04d}_frame_{frame:06d}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[..., ::-1]).save(path)
            path.with_suffix('.txt').write_text(f'{video % 2} 0.5 0.5 0.2 0.2\n')
    (make.root / 'classes.txt').write_text('equip\ndrain\n')
    return make.root


def videos_by_split(output):
    with open_set(output) as found:
        return {
            split: {SourceName.of(s.image_path).video for s in found.labelled.of_split(split)}
            for split in found.labelled.splits
        }


def test_no_video_stands_in_two_splits_and_classes_are_balanced(make, tmp_path):
    balance = split_dataset(flights(make), tmp_path / 'out', SplitOptions(val=0.34))
    found = videos_by_split(tmp_path / 'out')
    assert set(found) == {'train', 'val'}
    assert not found['train'] & found['val']
    assert balance.groups == 6
    assert balance.images == {'train': 12, 'val': 6}
    assert balance.instances['val'] == {'equip': 3, 'drain': 3}
    report = check(tmp_path / 'out')
    assert report.faults == ()
    assert 'video' not in {warning.kind for warning in report.warnings}


def test_the_seed_alone_decides_the_split(make, tmp_path):
    root = flights(make)
    found = []
    for name, seed in (('a', 1), ('b', 1), ('c', 2), ('d', 3), ('e', 4)):
        split_dataset(root, tmp_path / name, SplitOptions(val=0.34, seed=seed))
        found.append(videos_by_split(tmp_path / name)['val'])
    assert found[0] == found[1]
    assert any(other != found[0] for other in found[2:])


def test_folds_validate_every_image_once_and_part_no_video(make, tmp_path):
    split_dataset(flights(make), tmp_path / 'out', SplitOptions(folds=3))
    validated = Counter()
    for fold in range(3):
        file = tmp_path / f'out/data_{fold}.yaml'
        assert check(file).faults == ()
        with open_set(file) as found:
            train, val = (found.labelled.of_split(split) for split in ('train', 'val'))
            assert len(train) + len(val) == 18
            sides = [{SourceName.of(s.image_path).video for s in side} for side in (train, val)]
            assert not sides[0] & sides[1]
            validated.update(s.image_path.name for s in val)
    assert set(validated.values()) == {1}
    assert len(validated) == 18


def test_ultralytics_finds_the_images_of_a_fold(make, tmp_path):
    from roof_detector.inference.quiet_ultralytics import import_quietly

    split_dataset(flights(make, videos=3, frames=1), tmp_path / 'out', SplitOptions(folds=3))
    base = import_quietly('ultralytics.data.base')
    listed = (tmp_path / 'out/fold_0_train.txt').read_text().splitlines()
    reader = base.BaseDataset.__new__(base.BaseDataset)
    reader.prefix, reader.fraction = '', 1.0
    found = reader.get_img_files(str(tmp_path / 'out/fold_0_train.txt'))
    assert len(found) == len(listed) == 2
    assert all(Path(path).is_file() for path in found)


def test_doubles_across_splits_are_brought_together(make, tmp_path):
    root = make.yolo()
    make.write_image(root / 'images/val/double.png', 0)
    assert 'duplicate' in {fault.kind for fault in check(root).faults}
    split_dataset(root, tmp_path / 'out', SplitOptions(val=0.3))
    assert check(tmp_path / 'out').faults == ()


def test_one_video_is_refused_with_the_way_out_and_cut_in_time_leaving_a_gap(make, tmp_path):
    root = flights(make, videos=1, frames=1)
    for number in range(1, 8):
        path = make.write_image(root / f'train/DJI_0000_frame_{number * 20:06d}.png', number)
        path.with_suffix('.txt').write_text('0 0.5 0.5 0.2 0.2\n')
    with pytest.raises(DatasetError, match='--by order'):
        split_dataset(root, tmp_path / 'out')
    balance = split_dataset(root, tmp_path / 'out', SplitOptions(by='order', val=0.25))
    assert balance.images == {'train': 5, 'val': 2}
    assert balance.left_out == 1


def test_tiles_on_both_sides_of_a_border_share_no_pixel(make, tmp_path):
    sheet = np.concatenate([np.concatenate(make.scenes[i : i + 4], 1) for i in (0, 4)])
    make.root.mkdir()
    Image.fromarray(sheet[..., ::-1]).save(make.root / 'ortho.png')
    (make.root / 'ortho.txt').write_text('0 0.5 0.5 0.4 0.4\n0 0.1 0.1 0.1 0.1\n0 0.9 0.9 0.1 0.1')
    options = Conversion(names=('roof',), tiling=DatasetTiling(96))
    convert(make.root / 'ortho.png', tmp_path / 'tiles', options)
    balance = split_dataset(tmp_path / 'tiles', tmp_path / 'out', SplitOptions(by='x', val=0.3))
    assert balance.left_out > 0
    with open_set(tmp_path / 'out') as found:
        edges = {
            split: [SourceName.of(s.image_path).tile_xy[0] for s in found.labelled.of_split(split)]
            for split in ('train', 'val')
        }
    assert max(edges['train']) + 96 <= min(edges['val'])


def test_images_that_tell_no_place_cannot_be_cut_by_place():
    with pytest.raises(DatasetError, match='convert --tile'):
        cut_along(
            [Sample(image_path=Path('a.png'), split='all')], [ImageFacts()], (0.8, 0.2), by='x'
        )
    assert LEFT_OUT not in cut_along([], [], (0.8, 0.2), by='x')


@pytest.mark.parametrize(
    'options', [{'val': 0}, {'val': 0.6, 'test': 0.4}, {'folds': 1}, {'by': 'luck'}]
)
def test_a_division_that_leaves_nothing_is_refused(options):
    with pytest.raises(DatasetError):
        SplitOptions(**options)


@pytest.mark.parametrize('gap_m', [10, 50, 200])
def test_places_are_joined_as_all_pairs_within_the_gap_join_them(gap_m):
    rng = np.random.default_rng(0)
    places = rng.normal((0.3, 32.5), 0.002, (200, 2))
    scale = np.array([1.0, np.cos(np.radians(places[:, 0].mean()))]) * 111_320.0
    away = np.linalg.norm((places[:, None] - places[None]) * scale, axis=2)
    expected, found = Groups(len(places)), Groups(len(places))
    expected.join(zip(*np.nonzero(away <= gap_m), strict=True))
    found.join(_near([tuple(place) for place in places], gap_m))
    assert found.numbers() == expected.numbers()
