# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""GeoTIFFs and other rasters of every kind, in windows."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import rasterio.control
import rasterio.warp
from affine import Affine
from PIL import Image
from pyproj import CRS
from rasterio.enums import ColorInterp

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_files import ImageFilesInput
from roof_detector.inputs.open_input import open_recording
from roof_detector.inputs.raster import RasterInput
from roof_detector.inputs.raster_file import RasterFile
from roof_detector.inputs.raster_kinds import is_raster

UTM = 'EPSG:32636'
# 5 cm a pixel, near Kampala.
NORTH_UP = Affine(0.05, 0, 454_000, 0, -0.05, 38_000)
SIZE_WH = (40, 24)
RED, GREEN, BLUE = ColorInterp.red, ColorInterp.green, ColorInterp.blue


def noise(bands, *, top=256, dtype='uint8', seed=3):
    random = np.random.default_rng(seed)
    return random.integers(0, top, (bands, SIZE_WH[1], SIZE_WH[0])).astype(dtype)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes bands (n, height, width) as a GeoTIFF and opens it."""

    def written(values, *, kinds=None, mask=None, colours=None, tags=None, **profile):
        path = tmp_path / 'raster.tif'
        options = {'crs': UTM, 'transform': NORTH_UP} | profile
        count, height, width = values.shape
        with rasterio.open(
            path,
            'w',
            driver='GTiff',
            width=width,
            height=height,
            count=count,
            dtype=values.dtype,
            **options,
        ) as dataset:
            if kinds:
                dataset.colorinterp = kinds
            dataset.write(values)
            if mask is not None:
                dataset.write_mask(mask)
            if colours:
                dataset.write_colormap(1, colours)
            if tags:
                dataset.update_tags(**tags)
        return RasterFile(path)

    return written


def whole(raster):
    return raster.read((0, 0, *raster.size_wh))


def test_red_green_and_blue_come_as_bgr(write):
    values = noise(3)
    assert (whole(write(values, photometric='RGB')) == np.moveaxis(values[::-1], 0, -1)).all()


def test_colours_are_found_by_what_the_bands_are_called(write):
    values = noise(5)
    kinds = (ColorInterp.undefined, BLUE, GREEN, RED, ColorInterp.undefined)
    assert (whole(write(values, kinds=kinds)) == np.moveaxis(values[1:4], 0, -1)).all()


def test_without_names_the_first_three_of_many_bands_count(write):
    values = noise(6)
    kinds = (ColorInterp.gray, *[ColorInterp.undefined] * 5)
    assert (whole(write(values, kinds=kinds)) == np.moveaxis(values[2::-1], 0, -1)).all()


def test_one_band_is_grey_and_a_second_one_transparency(write):
    values = noise(2)
    values[1, :, :20] = 0
    values[1, :, 20:] = 255
    read = whole(write(values, kinds=(ColorInterp.gray, ColorInterp.alpha)))
    assert (read[:, 20:] == values[0, :, 20:, None]).all() and (read[:, :20] == 114).all()


def test_a_palette_is_applied(write):
    values = noise(1, top=3)
    table = {0: (255, 0, 0), 1: (0, 255, 0), 2: (0, 0, 255)}
    read = whole(write(values, colours=table))
    assert (read == np.array([table[i][::-1] for i in range(3)])[values[0]]).all()


@pytest.mark.parametrize(
    ('dtype', 'low', 'high'), [('uint16', 300, 4095), ('float32', 0, 1), ('int16', -900, 12_000)]
)
def test_more_than_8_bits_are_mapped_from_the_range_that_is_used(write, dtype, low, high):
    ramp = np.linspace(low, high, SIZE_WH[0] * SIZE_WH[1]).reshape(1, *SIZE_WH[::-1])
    raster = write(ramp.repeat(3, axis=0).astype(dtype), photometric='RGB')
    read = whole(raster)
    assert read.min() == 0 and read.max() == 255
    assert np.allclose(
        read[..., 0], np.linspace(0, 255, ramp.size).reshape(read.shape[:2]), atol=2
    )
    assert raster.value_range == pytest.approx((low, high), rel=0.02, abs=0.02 * (high - low))


def test_the_range_is_that_of_the_data_and_not_of_what_is_missing(write):
    values = noise(3, top=1000, dtype='uint16') + 200
    values[:, :, :10] = 65_535
    raster = write(values, photometric='RGB', nodata=65_535)
    assert raster.value_range[1] < 1200
    assert (whole(raster)[:, :10] == 114).all()


@pytest.mark.parametrize('kind', ['nodata', 'alpha', 'mask', 'nan'])
def test_what_has_no_data_is_grey_and_a_tile_of_it_alone_is_none(write, kind):
    if kind == 'alpha':
        values = noise(4)
        values[3] = 255
        values[3, :, :16] = 0
        raster = write(values, kinds=(RED, GREEN, BLUE, ColorInterp.alpha))
    elif kind == 'mask':
        mask = np.full(SIZE_WH[::-1], 255, np.uint8)
        mask[:, :16] = 0
        raster = write(noise(3), photometric='RGB', mask=mask)
    elif kind == 'nan':
        values = noise(3, dtype='float32')
        values[:, :, :16] = np.nan
        raster = write(values, photometric='RGB')
    else:
        values = noise(3) // 2 + 1
        values[:, :, :16] = 0
        raster = write(values, photometric='RGB', nodata=0)
    read = whole(raster)
    assert (read[:, :16] == 114).all() and not (read[:, 16:] == 114).all()
    assert raster.read_tile((0, 0, 16, 24), (16, 24)) is None
    assert raster.read_tile((8, 0, 16, 24), (16, 24)) is not None


def test_a_tile_of_one_colour_holds_nothing_to_see(write):
    values = noise(3)
    values[:, :, :20] = 255
    raster = write(values, photometric='RGB')
    assert raster.read_tile((0, 0, 20, 24), (20, 24)) is None
    assert raster.read_tile((0, 0, 21, 24), (21, 24)) is not None


def test_a_window_is_reduced_by_averaging_and_from_overviews(write, tmp_path):
    values = noise(3)
    raster = write(values, photometric='RGB')
    expected = values.reshape(3, 12, 2, 20, 2).mean(axis=(2, 4))
    reduced = raster.read((0, 0, *SIZE_WH), (20, 12))
    assert np.abs(reduced - np.moveaxis(expected[::-1], 0, -1)).max() <= 1
    raster.close()
    with rasterio.open(tmp_path / 'raster.tif', 'r+') as dataset:
        dataset.build_overviews([2], rasterio.enums.Resampling.average)
    again = RasterFile(tmp_path / 'raster.tif').read((0, 0, *SIZE_WH), (20, 12))
    assert np.abs(again.astype(int) - reduced).max() <= 1


@pytest.mark.parametrize(
    ('profile', 'reason'),
    [
        ({'crs': None}, 'does not state its coordinate reference system'),
        ({'transform': Affine.identity()}, 'no transform from pixels to a map'),
    ],
)
def test_a_raster_without_a_place_says_why(write, profile, reason):
    raster = write(noise(3), photometric='RGB', **profile)
    assert raster.georeference is None and reason in raster.why_unplaced


def test_the_accuracy_is_what_the_raster_states_and_else_unknown(write):
    assert write(noise(3)).georeference.error_m is None
    assert write(noise(3), tags={'CE90': '0.5'}).georeference.error_m == pytest.approx(0.5703)
    assert write(noise(3), tags={'CE90': 'good'}).georeference.error_m is None


@pytest.mark.parametrize('name', ['map.tif', 'map.jp2', 'photo.png', 'photo.tif'])
def test_what_has_a_place_is_a_raster_and_a_photo_is_none(tmp_path, name):
    path = tmp_path / name
    image = np.moveaxis(noise(3), 0, -1)
    if name.startswith('photo'):
        Image.fromarray(image).save(path)
    else:
        driver = 'GTiff' if name.endswith('tif') else 'JP2OpenJPEG'
        with rasterio.open(
            path,
            'w',
            driver=driver,
            width=40,
            height=24,
            count=3,
            dtype='uint8',
            crs=UTM,
            transform=NORTH_UP,
        ) as dataset:
            dataset.write(noise(3))
    assert is_raster(path) is name.startswith('map')
    with open_recording(path) as opened:
        assert isinstance(opened, RasterInput if name.startswith('map') else ImageFilesInput)


def test_a_world_file_beside_a_png_gives_it_a_transform(tmp_path):
    Image.fromarray(np.moveaxis(noise(3), 0, -1)).save(tmp_path / 'map.png')
    (tmp_path / 'map.pgw').write_text('0.05\n0\n0\n-0.05\n454000\n38000\n')
    assert is_raster(tmp_path / 'map.png')
    with open_recording(tmp_path / 'map.png') as opened:
        assert 'coordinate reference system' in opened.raster.why_unplaced
        assert [one.name for one in opened.files] == ['map.png', 'map.pgw']


def test_a_file_that_names_other_files_is_never_opened(tmp_path, write):
    write(noise(3)).close()
    path = tmp_path / 'harmless.tif'
    path.write_text(
        '<VRTDataset rasterXSize="40" rasterYSize="24"><VRTRasterBand dataType="Byte" band="1">'
        f'<SimpleSource><SourceFilename>{tmp_path}/raster.tif</SourceFilename></SimpleSource>'
        '</VRTRasterBand></VRTDataset>'
    )
    assert not is_raster(path)
    with pytest.raises(InputError, match='none of GeoTIFF'):
        RasterFile(path)


def test_a_truncated_raster_says_where_it_cannot_be_read(write, tmp_path):
    write(noise(3), tiled=True, blockxsize=16, blockysize=16).close()
    path = tmp_path / 'raster.tif'
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(InputError, match=r'read at 0, 0: the file is cut short, it lacks'):
        whole(RasterFile(path))


def test_the_crs_beside_a_world_file_is_taken(tmp_path):
    Image.fromarray(np.moveaxis(noise(3), 0, -1)).save(tmp_path / 'map.png')
    (tmp_path / 'map.pgw').write_text('0.05\n0\n0\n-0.05\n454000\n38000\n')
    (tmp_path / 'map.prj').write_text(CRS(UTM).to_wkt('WKT1_ESRI'))
    raster = RasterFile(tmp_path / 'map.png')
    found = raster.georeference.on_wgs84(np.zeros((1, 2)))[0]
    expected = np.ravel(rasterio.warp.transform(UTM, 'EPSG:4326', [454000], [38000]))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    (tmp_path / 'map.prj').write_text('nothing that is known')
    assert 'coordinate reference system' in RasterFile(tmp_path / 'map.png').why_unplaced


def test_ground_control_points_are_no_transform_and_are_named(tmp_path):
    points = [
        rasterio.control.GroundControlPoint(row, column, 454000 + column, 38000 - row)
        for row, column in ((0, 0), (0, 40), (24, 0))
    ]
    with rasterio.open(
        tmp_path / 'map.tif', 'w', driver='GTiff', width=40, height=24, count=3, dtype='uint8'
    ) as dataset:
        dataset.write(noise(3))
        dataset.gcps = points, UTM
    assert is_raster(tmp_path / 'map.tif')
    assert 'ground control points alone' in RasterFile(tmp_path / 'map.tif').why_unplaced
