# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Large images that a network sees too small: said, or tiled on request."""

from __future__ import annotations

import cv2
import pytest
from PIL import Image

from roof_detector.inference.detector import Detector
from roof_detector.inference.package.class_facts import ClassFacts
from roof_detector.vision.tiles import Tiling

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" drone-dji:GimbalYawDegree="+0.00" '
    'drone-dji:GimbalPitchDegree="-90.00" drone-dji:GimbalRollDegree="+0.00" '
    'drone-dji:RelativeAltitude="+320.00" drone-dji:AbsoluteAltitude="+400.00"/>'
    '</rdf:RDF></x:xmpmeta>'
)


def write_image(flights, path, width, height):
    # 64 pixels, the network's input, times 4 is 256: wider images lose their small objects.
    cv2.imwrite(str(path), flights.image(3, size_wh=(width, height)))
    return path


def test_an_image_that_is_shown_too_small_is_said_and_nothing_is_not_claimed(
    flights, detect, tmp_path
):
    large = write_image(flights, tmp_path / 'large.png', 640, 480)
    (outcome,) = detect(large, confidence=0.9999)
    (note,) = outcome.notes
    assert note.startswith('1 of 1 images were shown to the model at down to 1/10.0 of their size')
    assert 'objects under 80 pixels across cannot be found' in note and '--auto-tiles' in note
    assert 'found nothing of 80 pixels or more across;' in outcome.lines()[0]
    (again,) = detect(large, confidence=0.9999, resume=True)
    assert again.already_done and 'of 80 pixels or more across' in again.lines()[0]


def test_an_image_of_four_times_the_input_is_fine(flights, detect, tmp_path):
    (outcome,) = detect(write_image(flights, tmp_path / 'fine.png', 256, 192), confidence=0.9999)
    assert outcome.notes == () and 'found nothing; see' in outcome.lines()[0]


def test_nothing_is_limited_where_another_image_was_large_enough(flights, detect, tmp_path):
    folder = tmp_path / 'both'
    folder.mkdir()
    write_image(flights, folder / 'large.png', 640, 480)
    write_image(flights, folder / 'small.png', 80, 60)
    (outcome,) = detect(folder, confidence=0.9999)
    assert (
        outcome.notes[0].startswith('1 of 2 images') and 'found nothing; see' in outcome.lines()[0]
    )


@pytest.mark.parametrize('tiling', [Tiling(), Tiling(only_reduced=True)])
def test_tiles_show_enough_so_that_nothing_is_to_be_said(flights, detect, tmp_path, tiling):
    large = write_image(flights, tmp_path / 'large.png', 640, 480)
    (outcome,) = detect(large, confidence=0.9999, tiling=tiling)
    assert outcome.notes == () and outcome.limit == ''


def test_tiles_of_another_size_that_are_too_large_are_said(flights, detect, tmp_path):
    large = write_image(flights, tmp_path / 'large.png', 640, 480)
    (outcome,) = detect(large, confidence=0.9999, tiling=Tiling(size=320))
    assert 'at down to 1/5.0 of their size' in outcome.notes[0]


def test_automatic_tiles_are_four_inputs_wide_and_only_where_they_are_needed():
    automatic = Tiling(only_reduced=True)
    assert len(automatic.grid((256, 192), input_wh=(64, 64))) == 0
    grid = automatic.grid((640, 480), input_wh=(64, 64))
    assert grid.tile_wh == (256, 256) and len(grid) == 9


def write_photo(flights, path):
    """320 m up with a focal length of 43 mm of 35: 0.4 m a pixel, 4 m a pixel at 1/10."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 43
    exif.get_ifd(0x8825).update({1: 'N', 2: (52.0, 31.0, 12.0), 3: 'E', 4: (13.0, 24.0, 36.0)})
    photo = Image.fromarray(flights.image(3, size_wh=(640, 480)))
    photo.save(path, exif=exif, xmp=XMP.encode())
    return path


def test_a_class_that_no_photo_shows_finely_enough_cannot_be_judged(
    flights, detect, model_path, tmp_path
):
    path = write_photo(flights, tmp_path / 'photo.jpg')
    with Detector.open(model_path, device='cpu', threads=1) as detector:
        first, second = detector.names[:2]
        detector.metres_per_pixel = (0.1, 5.0)
        detector.class_facts = {
            first: ClassFacts(metres_per_pixel=(0.1, 5.0)),
            second: ClassFacts(metres_per_pixel=(0.1, 1.0)),
        }
        (outcome,) = detect(path, confidence=0.9999, detector=detector)
        (tiled,) = detect(
            path, confidence=0.9999, detector=detector, tiling=Tiling(), output='tiled'
        )
    (note,) = [one for one in outcome.notes if 'cannot be judged' in one]
    assert note.startswith(
        f'{second} cannot be judged at this resolution in 1 of 1 images: they show the model 4 m '
        'per pixel or coarser, and it is known to find'
    )
    assert f'found nothing ({second} cannot be judged)' in outcome.lines()[0]
    assert not [one for one in tiled.notes if 'cannot be judged' in one]


@pytest.mark.parametrize(('trained_m', 'is_said'), [((0.1, 5.0), False), ((0.1, 1.0), True)])
def test_a_photo_that_shows_the_ground_as_in_training_is_not_too_small(
    flights, detect, model_path, tmp_path, trained_m, is_said
):
    path = write_photo(flights, tmp_path / 'photo.jpg')
    with Detector.open(model_path, device='cpu', threads=1) as detector:
        detector.metres_per_pixel = trained_m
        (outcome,) = detect(path, confidence=0.9999, detector=detector)
    assert bool(outcome.limit) is is_said
