# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from training.research.orthophoto.joined_tiles import main
from training.research.orthophoto.outlines import Bounds, read_outlines

EAST, NORTH, PIXEL = 600_000.0, 8_000_000.0, 0.05
SIDE = 100
ROOF = np.array([(60.0, 30.0), (140.0, 30.0), (140.0, 70.0), (60.0, 70.0)])  # across the seam
WALLS = np.array([(20.0, 140.0), (60.0, 140.0), (60.0, 180.0), (20.0, 180.0)])


@pytest.fixture
def tiles(tmp_path):
    """Write three of the four tiles of a place; the lower right one lacks."""
    whole = np.full((2 * SIDE, 2 * SIDE, 3), (70, 120, 90), np.uint8)
    for outline, colour in ((ROOF, (200, 60, 40)), (WALLS, (150, 150, 150))):
        cv2.fillPoly(whole, [outline.astype(np.int32)], colour)
    for folder in ('images', 'labels'):
        (tmp_path / folder).mkdir()
    for column, row in ((0, 0), (1, 0), (0, 1)):
        left, top = column * SIDE, row * SIDE
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[33550] = (PIXEL, PIXEL, 0.0)
        tags[33922] = (0.0, 0.0, 0.0, EAST + left * PIXEL, NORTH - top * PIXEL, 0.0)
        for tag in (33550, 33922):
            tags.tagtype[tag] = TiffImagePlugin.TiffTags.DOUBLE
        image = Image.fromarray(whole[top : top + SIDE, left : left + SIDE])
        image.save(tmp_path / 'images' / f'{column}{row}.tif', tiffinfo=tags)
        rows = ''
        for outline in (ROOF, WALLS):
            part = np.clip(outline - (left, top), 0, SIDE) / SIDE
            if np.ptp(part, axis=0).min() > 0:
                rows += '0 ' + ' '.join(f'{value:.6f}' for value in part.ravel()) + '\n'
        (tmp_path / 'labels' / f'{column}{row}.txt').write_text(rows)
    return tmp_path / 'images'


def joined(tiles, *more):
    output = tiles.parent / f'joined{len(more)}'
    given = [str(tiles), '--epsg', '32737', '--metres-per-pixel', '0.1', '--output', str(output)]
    assert main([*given, *more]) == 0
    image = cv2.imread(str(output / 'orthophoto.png'))
    size_wh = (image.shape[1], image.shape[0])
    bounds = Bounds.read(output / 'bounds.json')
    return image, read_outlines(output / 'outlines.geojson', bounds, size_wh)


def test_a_roof_across_a_seam_is_whole_again_and_a_gap_shows_its_neighbour_mirrored(tiles):
    image, outlines = joined(tiles)
    assert image.shape == (100, 100, 3)
    boxes = sorted((*one.min(0), *one.max(0)) for one in outlines)
    expected = [(10, 70, 30, 90), (30, 15, 70, 35), (70, 70, 90, 90)]  # walls, roof, their mirror
    np.testing.assert_allclose(boxes, expected, atol=1.1)
    np.testing.assert_array_equal(image[50:, :50], image[50:, 50:][:, ::-1])


def test_what_is_no_roof_can_be_left_out(tiles):
    _, outlines = joined(tiles, '--leave-out', '20', '80')
    assert len(outlines) == 2


def test_tiles_without_a_place_and_folders_without_tiles_are_refused(tmp_path, capsys):
    given = ['--epsg', '32737', '--metres-per-pixel', '0.1', '--output', str(tmp_path / 'out')]
    assert main([str(tmp_path), *given]) == 2
    assert 'holds no .tif file' in capsys.readouterr().err
    Image.new('RGB', (8, 8)).save(tmp_path / 'plain.tif')
    assert main([str(tmp_path), *given]) == 2
    assert 'does not state where its first pixel lies' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_an_output_that_exists_is_left_alone(tiles, tmp_path, capsys):
    (tmp_path / 'out').mkdir()
    given = ['--epsg', '32737', '--metres-per-pixel', '0.1', '--output', str(tmp_path / 'out')]
    assert main([str(tiles), *given]) == 2
    assert not list((tmp_path / 'out').iterdir())
    assert capsys.readouterr().err


def test_the_outlines_are_a_feature_collection(tiles):
    joined(tiles)
    content = json.loads((tiles.parent / 'joined0' / 'outlines.geojson').read_text())
    assert content['type'] == 'FeatureCollection'
