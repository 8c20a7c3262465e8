# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
import resource
from contextlib import contextmanager

import pytest

from roof_detector.results.errors import ExportError
from roof_detector.results.formats import FORMATS, MAP_FORMATS, PRODUCTS, open_exports

WITHOUT_PLACES = tuple(name for name in FORMATS if name not in {*MAP_FORMATS, 'cog'})


@contextmanager
def largest_file(size):
    """Let the system refuse to make any file of this process larger, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def opened(folder, run, formats, **options):
    return open_exports(
        folder, formats, class_names=run.names, settings={'model': 'roof.pt'}, **options
    )


def test_no_formats_write_nothing(tmp_path, run):
    with opened(tmp_path, run, ()) as exports:
        exports.write(run.frame(0), run.image(0))
    assert exports.paths == {} and exports.errors == () and list(tmp_path.iterdir()) == []


def test_all_formats_are_written_in_one_pass(tmp_path, run):
    with opened(tmp_path / 'new/folder', run, WITHOUT_PLACES) as exports:
        for index in range(3):
            exports.write(run.frame(index), run.image(index))
    assert exports.errors == () and exports.notes == ()
    assert set(exports.paths) == set(WITHOUT_PLACES)
    expected = sorted(name for f in WITHOUT_PLACES for name in PRODUCTS[f])
    assert sorted(path.name for path in (tmp_path / 'new/folder').iterdir()) == expected


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path, run):
    with pytest.raises(ExportError, match=r"no export format 'pdf'; choose from csv, xlsx"):
        opened(tmp_path, run, ('csv', 'pdf'))
    assert list(tmp_path.iterdir()) == []


def test_existing_products_are_all_named_and_none_is_touched(tmp_path, run):
    (tmp_path / 'detections.csv').write_text('old')
    (tmp_path / 'images.json').write_text('old')
    with pytest.raises(ExportError, match=r'detections\.csv, images\.json already'):
        opened(tmp_path, run, ('csv', 'json', 'xlsx'))
    assert sorted(path.name for path in tmp_path.iterdir()) == ['detections.csv', 'images.json']
    with opened(tmp_path, run, ('csv', 'json'), overwrite=True) as exports:
        exports.write(run.frame(0), None)
    assert exports.errors == ()
    assert json.loads((tmp_path / 'images.json').read_text())['images']


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, run):
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(ExportError, match=r'file/out cannot be written \(Not a directory\)'):
        opened(tmp_path / 'file/out', run, ('csv',))


@pytest.mark.parametrize('name', sorted(MAP_FORMATS))
def test_a_map_without_a_track_is_reported_and_the_rest_is_done(tmp_path, run, name):
    with opened(tmp_path, run, ('csv', name)) as exports:
        exports.write(run.frame(0), None)
    (error,) = exports.errors
    assert f'{name} was not exported: the position of the camera is not known' in error
    assert set(exports.paths) == {'csv'}


def test_a_format_that_the_disk_refuses_is_reported_and_the_others_go_on(tmp_path, run):
    exports = opened(tmp_path, run, WITHOUT_PLACES)
    with largest_file(40_000):
        for index in range(200):
            image = run.image(index) if index < 5 else None
            exports.write(run.frame(index), image)
        exports.close()
    assert {error.split()[0] for error in exports.errors} == {'csv', 'xlsx', 'json'}
    for error in exports.errors:
        assert 'File too large' in error and 'export again' in error
    assert set(exports.paths) == {'images', 'video', 'crops'}
    left = {path.name for path in tmp_path.iterdir()}
    assert {'images', 'annotated.mp4', 'crops', 'detections.csv.part'} <= left
    assert not left & {'detections.csv', 'detections.xlsx', 'detections.json', 'images.json'}
    # What fitted is still there to read, but for the row that was cut.
    whole = (tmp_path / 'detections.csv.part').read_bytes().split(b'\r\n')
    assert len(whole) > 100 and all(line.count(b',') == 30 for line in whole[:-1])


def test_an_image_or_video_that_the_disk_refuses_is_reported_too(tmp_path, run):
    exports = opened(tmp_path, run, ('images', 'video', 'crops', 'csv'))
    with largest_file(500):
        for index in range(60):
            exports.write(run.frame(index, count=1), run.image(index))
        exports.close()
    assert {error.split()[0] for error in exports.errors} >= {'images', 'video', 'crops'}
    assert not (tmp_path / 'annotated.mp4').exists() and not (tmp_path / 'images').exists()


def test_an_exception_leaves_everything_unfinished(tmp_path, run):
    with pytest.raises(ZeroDivisionError), opened(tmp_path, run, WITHOUT_PLACES) as exports:
        exports.write(run.frame(0), run.image(0))
        1 / 0  # noqa: B018
    assert all(path.suffix == '.part' for path in tmp_path.iterdir())
    with opened(tmp_path, run, WITHOUT_PLACES) as exports:
        exports.write(run.frame(0), run.image(0))
    assert exports.errors == ()
    assert not any(path.suffix == '.part' for path in tmp_path.iterdir())
