# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
from itertools import islice, pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_decoding import read_image
from roof_detector.inputs.image_files import ImageFilesInput, natural_key


def test_an_empty_folder_is_refused_with_what_it_should_hold(tmp_path):
    with pytest.raises(InputError, match=r'holds no image \(.jpg, .*Give a folder of'):
        ImageFilesInput(tmp_path)


def test_a_folder_with_images_only_below_names_the_folder_that_has_them(tmp_path, numbered_images):
    numbered_images.write_images(tmp_path / 'DCIM', numbers=range(1))
    with pytest.raises(InputError, match=r'There are some in .*DCIM\.'):
        ImageFilesInput(tmp_path)


def test_every_image_comes_once_in_natural_order_and_unchanged(tmp_path, numbered_images):
    numbered_images.write_images(tmp_path, numbers=range(12))
    with ImageFilesInput(tmp_path, rate_hz=4.0) as source:
        assert source.frame_count == 12
        frames = list(source)
    assert [numbered_images.number(frame.image_bgr) for frame in frames] == list(range(12))
    assert [frame.name for frame in frames] == [f'frame_{k}.png' for k in range(12)]
    assert [frame.stamp_ns for frame in frames] == [k * 250_000_000 for k in range(12)]
    assert [frame.due_ns for frame in frames] == [frame.stamp_ns for frame in frames]
    np.testing.assert_array_equal(frames[7].image_bgr, numbered_images.image(7))


def test_a_damaged_image_is_counted_and_the_others_follow_without_a_gap(tmp_path, numbered_images):
    numbered_images.write_images(tmp_path, numbers=range(4), suffix='.jpg')
    whole = (tmp_path / 'frame_1.jpg').read_bytes()
    (tmp_path / 'frame_1.jpg').write_bytes(whole[: len(whole) // 2])
    (tmp_path / 'frame_2.jpg').write_bytes(b'')
    source = ImageFilesInput(tmp_path, rate_hz=1.0)
    frames = list(source)
    assert [numbered_images.number(frame.image_bgr) for frame in frames] == [0, 3]
    assert [frame.index for frame in frames] == [0, 1]
    assert frames[1].due_ns == 1_000_000_000
    assert source.health().unreadable == 2
    assert source.health().delivered == 2
    assert 'frame_2.jpg cannot be read' in source.health().warning


@pytest.mark.parametrize('loop', [False, True])
def test_a_folder_of_nothing_but_damaged_images_is_an_error(tmp_path, loop):
    for name in ('a.jpg', 'b.png', 'c.tif'):
        (tmp_path / name).write_bytes(b'nothing to see')
    with pytest.raises(InputError, match='None of 3 images can be read'):
        list(ImageFilesInput(tmp_path, loop=loop))


def test_a_looped_folder_begins_again_and_time_goes_on(tmp_path, numbered_images):
    numbered_images.write_images(tmp_path, numbers=range(3))
    frames = list(islice(ImageFilesInput(tmp_path, rate_hz=10.0, loop=True), 8))
    assert [numbered_images.number(frame.image_bgr) for frame in frames] == [
        0,
        1,
        2,
        0,
        1,
        2,
        0,
        1,
    ]
    assert [frame.index for frame in frames] == list(range(8))
    assert [frame.due_ns for frame in frames] == [k * 100_000_000 for k in range(8)]


def test_stopping_ends_a_loop(tmp_path, numbered_images):
    numbered_images.write_images(tmp_path, numbers=range(3))
    source = ImageFilesInput(tmp_path, loop=True)
    taken = 0
    for _ in source:
        taken += 1
        if taken == 5:
            source.stop()
    assert taken == 5


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', '.tif', '.webp'])
def test_every_kind_of_image_is_read(tmp_path, numbered_images, suffix):
    numbered_images.write_images(tmp_path, numbers=range(9, 10), suffix=suffix)
    image_bgr = read_image(tmp_path / f'frame_9{suffix}')
    assert image_bgr.shape == (48, 64, 3)
    assert numbered_images.number(image_bgr) == 9


def test_a_grey_image_becomes_three_channels(tmp_path):
    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((5, 7), 77, np.uint8))
    assert read_image(tmp_path / 'grey.png').shape == (5, 7, 3)


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(InputError, match=r'gone\.png cannot be read'):
        read_image(tmp_path / 'gone.png')


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1))
def test_numbers_in_names_sort_as_numbers(numbers):
    names = [f'DJI_{number}.JPG' for number in numbers]
    assert sorted(names, key=natural_key) == [f'DJI_{number}.JPG' for number in sorted(numbers)]


@given(st.lists(st.text(max_size=8)))
def test_any_names_can_be_sorted(names):
    keys = [natural_key(name) for name in sorted(names, key=natural_key)]
    assert all(before <= after for before, after in pairwise(keys))


def test_a_folder_with_videos_beside_its_images_says_that_they_are_not_played(
    tmp_path, numbered_images
):
    numbered_images.write_images(tmp_path, numbers=range(2))
    numbered_images.write_video(tmp_path / 'flight.avi', frames=2)
    source = ImageFilesInput(tmp_path)
    assert len(list(source)) == 2
    assert 'holds 1 videos too, which are not played' in source.health().warning


@pytest.mark.parametrize('is_preview', [False, True])
def test_a_second_image_in_a_jpeg_is_noted_unless_it_is_a_preview_of_the_first(
    tmp_path, is_preview
):
    images = [Image.new('RGB', (64, 48), (k, 0, 0)) for k in range(2)]
    images[0].save(tmp_path / 'a.jpg', format='MPO', save_all=True, append_images=images[1:])
    data = (tmp_path / 'a.jpg').read_bytes()
    if is_preview:  # the type of the second entry in the index: CIPA DC-007, 5.2.3.3
        begin = data.index((0xB002).to_bytes(2, 'little'))
        assert data[begin + 2 : begin + 4] == (7).to_bytes(2, 'little')
        tiff = data.index(b'MPF\0') + 4
        entry = tiff + int.from_bytes(data[begin + 8 : begin + 12], 'little') + 16
        data = data[:entry] + (0x00010001).to_bytes(4, 'little') + data[entry + 4 :]
        (tmp_path / 'a.jpg').write_bytes(data)
    source = ImageFilesInput(tmp_path / 'a.jpg')
    assert len(list(source)) == 1
    note = 'a.jpg holds 2 images; only the first is looked at.'
    assert source.health().warning == ('' if is_preview else note)


def test_a_note_on_an_image_is_told_while_it_is_played(tmp_path):
    pages = [Image.new('RGB', (64, 48), (k, 0, 0)) for k in range(3)]
    pages[0].save(tmp_path / 'scan.tif', save_all=True, append_images=pages[1:])
    source = ImageFilesInput(tmp_path / 'scan.tif')
    assert len(list(source)) == 1
    assert source.health().warning == 'scan.tif has 3 pages; only the first is looked at.'


def test_a_file_of_any_claimed_size_is_not_read_into_memory(tmp_path):
    path = tmp_path / 'sparse.jpg'
    path.touch()
    os.truncate(path, 1 << 42)
    with pytest.raises(InputError, match='expected at most'):
        read_image(path)


def dated(path, time, *, offset='+02:00'):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: time, **({0x9011: offset} if offset else {})})
    Image.new('RGB', (8, 6)).save(path, exif=exif)


def test_photos_that_tell_when_they_were_taken_have_that_as_their_stamp(tmp_path):
    for number, second in enumerate((5, 5, 9)):
        dated(tmp_path / f'DJI_{number}.JPG', f'2026:05:01 12:00:0{second}')
    (tmp_path / 'DJI_9.JPG').write_bytes(b'')
    frames = list(ImageFilesInput(tmp_path).recorded())
    noon_ns = 1_777_629_600 * 10**9  # 10:00 UTC
    stamps = [noon_ns + 5 * 10**9, noon_ns + 5 * 10**9 + 1, noon_ns + 9 * 10**9]
    assert [frame.stamp_ns for frame in frames] == [*stamps, stamps[-1] + 1]
    assert [frame.log_time_ns for frame in frames] == [0, 5 * 10**8, 10**9, 15 * 10**8]
    assert frames[0].load().moment == frames[0].moment
    assert frames[0].moment.utc_ns == stamps[0]


@pytest.mark.parametrize('offset', ['', None], ids=['without a zone', 'without a date'])
def test_stamps_count_where_one_photo_does_not_tell_its_time_in_utc(tmp_path, offset):
    dated(tmp_path / 'a.jpg', '2026:05:01 12:00:00')
    if offset is None:
        Image.new('RGB', (8, 6)).save(tmp_path / 'b.jpg')
    else:
        dated(tmp_path / 'b.jpg', '2026:05:01 12:00:01', offset=offset)
    frames = list(ImageFilesInput(tmp_path).recorded())
    assert [frame.stamp_ns for frame in frames] == [0, 5 * 10**8]


def test_a_link_to_an_image_beside_it_counts_once_and_is_said(tmp_path):
    Image.new('RGB', (8, 6)).save(tmp_path / 'a.png')
    (tmp_path / 'b.png').symlink_to('a.png')
    source = ImageFilesInput(tmp_path)
    assert [path.name for path in source.paths] == ['a.png']
    assert source.notes() == (
        f'1 links of {tmp_path} lead to images beside them, which count once.',
    )
    assert [path.name for path in ImageFilesInput(tmp_path / 'b.png').paths] == ['b.png']
