# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Written images keep what their originals say of place, time and camera."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from roof_detector.inputs.image_decoding import decode_bytes
from roof_detector.results.annotated_images import AnnotatedImages
from roof_detector.results.crops import Crops
from roof_detector.results.image_metadata import ImageMetadata
from roof_detector.vision.detections import Detections

ORIENTATION, MAKE, EXIF_IFD, GPS_IFD, MAKER_NOTE, TAKEN = (
    *(0x0112, 0x010F, 0x8769, 0x8825, 0x927C, 0x9003),
)
LATITUDE = (47.0, 22.0, 1.5)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" '
    b'drone-dji:RelativeAltitude="+31.20"/><xmp:Thumbnails>AAAA</xmp:Thumbnails></x:xmpmeta>'
)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
SIDE = {'JPEG': 'jpg', 'PNG': 'png', 'WEBP': 'webp', 'TIFF': 'tif'}
DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))
PHOTOS = DATA / 'drone_photos'


def exif(orientation=6):
    found = Image.Exif()
    found[ORIENTATION], found[MAKE] = orientation, 'DJI'
    found.get_ifd(EXIF_IFD).update({TAKEN: '2026:05:04 10:11:12', MAKER_NOTE: b'\1' * 40})
    found.get_ifd(EXIF_IFD).update({0xA002: 40, 0xA003: 20})
    found.get_ifd(GPS_IFD).update({1: 'N', 2: LATITUDE, 3: 'E', 4: (8.0, 30.0, 0.0)})
    return found


def original(kind, *, orientation=6, icc=ICC):
    """Return an image file of 40 by 20 pixels as stored, its upper left quarter bright."""
    pixels = np.full((20, 40, 3), 30, np.uint8)
    pixels[:10, :20] = 200
    options = {'exif': exif(orientation), 'icc_profile': icc}
    if kind == 'TIFF':
        options['exif'] = Image.Exif()  # only one that was read brings its directories along
        options['exif'].load(exif(orientation).tobytes())
        options['exif'][700] = XMP
    else:
        options['xmp'] = XMP
    if kind == 'PNG':
        from PIL import PngImagePlugin

        info = PngImagePlugin.PngInfo()
        info.add_itxt('XML:com.adobe.xmp', XMP.decode())
        options = {'exif': exif(orientation), 'icc_profile': icc, 'pnginfo': info}
    if kind == 'WEBP':
        options['lossless'] = True
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def decoded(data):
    return decode_bytes(data, turned=True).image_bgr


def findings(run, image_bgr, name, **changes):
    size_wh = image_bgr.shape[1::-1]
    changes.setdefault('detections', Detections.empty())
    return run.frame(0, name=name, size_wh=size_wh, **changes)


def annotated(tmp_path, run, data, name):
    image_bgr = decoded(data)
    with AnnotatedImages(tmp_path / 'images', overwrite=True) as export:
        export.write(findings(run, image_bgr, name), image_bgr, data)
    return tmp_path / 'images' / name, export.notes


@pytest.mark.parametrize('kind', SIDE)
@pytest.mark.parametrize('orientation', [1, 3, 6, 8])
def test_a_written_image_looks_like_its_original_and_keeps_its_gps(
    tmp_path, run, kind, orientation
):
    data = original(kind, orientation=orientation)
    name = f'DJI_0001.{SIDE[kind].upper()}'
    path, notes = annotated(tmp_path, run, data, name)
    assert notes == () and path.name == name
    with Image.open(path) as written, Image.open(BytesIO(data)) as before:
        assert written.format == kind
        for image in (written, before):
            image.load()  # Pillow turns a TIFF here
        shown, wanted = (
            np.asarray(ImageOps.exif_transpose(one).convert('L')) for one in (written, before)
        )
        assert shown.shape == wanted.shape
        assert np.abs(shown.astype(int) - wanted).max() < 30
        found = written.getexif()
        assert found[MAKE] == 'DJI'
        assert found.get_ifd(GPS_IFD)[2] == pytest.approx(LATITUDE)
        assert found.get_ifd(EXIF_IFD)[TAKEN] == '2026:05:04 10:11:12'
        assert found.get_ifd(EXIF_IFD)[MAKER_NOTE] == b'\1' * 40
        assert written.info['icc_profile'] == ICC
        xmp = written.info.get('xmp') or found.get(700)
        assert b'RelativeAltitude="+31.20"' in xmp and b'Thumbnails' not in xmp
        assert b'tiff:Orientation="1"' in xmp
        assert found[ORIENTATION] == 1


def test_pixels_drawn_are_those_that_opencv_decodes(tmp_path, run):
    for kind in ('PNG', 'WEBP', 'TIFF'):  # lossless
        data = original(kind)
        path, _ = annotated(tmp_path, run, data, f'a.{SIDE[kind]}')
        np.testing.assert_array_equal(decoded(path.read_bytes()), decoded(data))


def test_an_image_of_a_bag_keeps_its_orientation_and_its_tag(tmp_path, run):
    data = original('JPEG', orientation=6)
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_IGNORE_ORIENTATION | 1)
    with AnnotatedImages(tmp_path / 'images') as export:
        export.write(findings(run, stored, 'flight_000000'), stored, data)
    with Image.open(tmp_path / 'images/flight_000000.jpg') as written:
        assert written.size == (40, 20) and written.getexif()[ORIENTATION] == 6


def test_makers_notes_keep_their_place_and_the_thumbnail_is_gone(tmp_path, run):
    little = exif()
    little.endian = '<'
    plain = little.tobytes().removeprefix(b'Exif\0\0')
    # A second directory with a thumbnail is appended as cameras do it.
    link_at = 8 + 2 + 12 * int.from_bytes(plain[8:10], 'little')
    assert plain[:4] == b'II*\0' and plain[link_at : link_at + 4] == bytes(4)
    thumbnail = cv2.imencode('.jpg', np.full((8, 8, 3), 90, np.uint8))[1].tobytes()
    start = len(plain) + 2 + 24 + 4
    entries = [(0x0201, 4, 1, start), (0x0202, 4, 1, len(thumbnail))]
    directory = (2).to_bytes(2, 'little')
    for tag, form, count, value in entries:
        directory += tag.to_bytes(2, 'little') + form.to_bytes(2, 'little')
        directory += count.to_bytes(4, 'little') + value.to_bytes(4, 'little')
    block = plain[:link_at] + len(plain).to_bytes(4, 'little') + plain[link_at + 4 :]
    block += directory + bytes(4) + thumbnail
    image_bgr = np.full((20, 40, 3), 30, np.uint8)
    jpeg = ImageMetadata(exif=block).into_jpeg(cv2.imencode('.jpg', image_bgr)[1].tobytes())
    assert thumbnail in jpeg
    path, notes = annotated(tmp_path, run, jpeg, 'a.jpg')
    assert notes == () and thumbnail not in path.read_bytes()
    copied = ImageMetadata.read(path.read_bytes()).exif
    note = b'\1' * 40
    assert copied.index(note) == block.index(note)
    with Image.open(path) as written:
        assert written.getexif().get_ifd(EXIF_IFD)[0xA002] == 20  # upright now
        assert written.getexif().get_ifd(1) == {}


def test_a_profile_that_is_not_of_colours_does_not_come_along(tmp_path, run):
    grey = ICC[:16] + b'GRAY' + ICC[20:]
    path, _ = annotated(tmp_path, run, original('JPEG', icc=grey), 'a.jpg')
    with Image.open(path) as written:
        assert 'icc_profile' not in written.info


def test_a_long_profile_goes_along_in_pieces(tmp_path, run):
    long = ICC[:128] + bytes(150_000)
    path, _ = annotated(tmp_path, run, original('JPEG', icc=long), 'a.jpg')
    with Image.open(path) as written:
        assert written.info['icc_profile'] == long


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
def test_crops_keep_time_position_and_camera(tmp_path, run, kind):
    data = original(kind)
    image_bgr = decoded(data)
    detections = Detections(
        boxes_xyxy=np.array([(4, 4, 14, 24)]), scores=np.array([0.9]), class_ids=np.array([0])
    )
    with Crops(tmp_path / 'crops', margin=0.0) as export:
        one = findings(run, image_bgr, f'a.{SIDE[kind]}', detections=detections)
        export.write(one, image_bgr, data)
    with Image.open(tmp_path / 'crops/vent/vent_a_000.jpg') as crop:
        assert crop.size == (10, 20)
        assert crop.getexif()[ORIENTATION] == 1
        assert crop.getexif().get_ifd(GPS_IFD)[2] == pytest.approx(LATITUDE)
        assert crop.getexif().get_ifd(EXIF_IFD)[0xA003] == 20


def test_damaged_metadata_is_left_out_and_named(tmp_path, run):
    image_bgr = np.full((20, 40, 3), 30, np.uint8)
    plain = cv2.imencode('.jpg', image_bgr)[1].tobytes()
    whole = exif().tobytes().removeprefix(b'Exif\0\0')
    random = np.random.default_rng(5)
    for number in range(200):
        block = bytearray(whole)
        for at in random.integers(0, len(block), 3):
            block[at] = random.integers(0, 256)
        block = bytes(block[: random.integers(1, len(block) + 1)])
        jpeg = ImageMetadata(exif=block).into_jpeg(plain)
        with AnnotatedImages(tmp_path / 'images', overwrite=True) as export:
            one = findings(run, image_bgr, f'{number}.jpg')
            export.write(one, image_bgr, jpeg)
        written = decoded((tmp_path / f'images/{number}.jpg').read_bytes())
        assert written is not None, block.hex()
        if not block.startswith((b'II*\0', b'MM\0*')):
            assert f'{number}.jpg' in export.notes[0]


def test_names_stay_as_they_are_but_never_leave_the_folder(tmp_path, run):
    names = ['DJI_0001 (2).JPG', 'Dach: Süd?.jpeg', 'a.b.TIFF', 'x.JPG', 'x.jpg', 'x.png']
    image_bgr = run.image(0)
    with AnnotatedImages(tmp_path / 'images') as export:
        for index, name in enumerate([*names, '/etc/y.png', '..', 'a\0b.png', f'{"n" * 300}.png']):
            export.write(run.frame(index, name=name), image_bgr)
    written = {path.name for path in (tmp_path / 'images').iterdir()}
    assert set(names) <= written and len(written) == 10
    assert {'y.png', 'a_b.png', f'{"n" * 120}.png'} <= written
    assert [path.name for path in tmp_path.iterdir()] == ['images']


def test_crops_of_files_of_one_stem_are_all_kept(tmp_path, run):
    image_bgr = run.image(0)
    names = ['a.jpg', 'a.png', 'a_000001.jpg', 'A.jpg', 'a.JPG', 'a_000001_000.jpg']
    with Crops(tmp_path / 'crops') as export:
        for index, name in enumerate(names):
            export.write(run.frame(index, name=name), image_bgr)
    assert len(list((tmp_path / 'crops').rglob('*.jpg'))) == 2 * len(names)


@pytest.mark.skipif(not PHOTOS.is_dir(), reason='the drone photos are not here')
def test_real_drone_photos_keep_what_the_drone_wrote(tmp_path, run):
    for photo in sorted(PHOTOS.glob('*.JPG'))[:2]:
        data = photo.read_bytes()
        path, notes = annotated(tmp_path, run, data, photo.name)
        assert notes == ()
        before, after = ImageMetadata.read(data), ImageMetadata.read(path.read_bytes())
        assert after.xmp == before.xmp and b'drone-dji' in after.xmp
        with Image.open(photo) as one, Image.open(path) as other:
            for directory in (EXIF_IFD, GPS_IFD):
                had, has = (str(image.getexif().get_ifd(directory)) for image in (one, other))
                assert had == has  # as texts, for some numbers are NaN
            assert other.getexif().get_ifd(GPS_IFD)
        start = b'\xff\xd8\xff'  # of a JPEG in the block: the thumbnail
        assert start in before.exif and start not in after.exif
