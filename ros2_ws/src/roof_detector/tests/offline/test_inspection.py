# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From recordings to findings, with a network that finds much in noise."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys

import cv2
import numpy as np
import openpyxl
import pytest
import rasterio
from affine import Affine

from roof_detector.cli.main import main
from roof_detector.findings.inspection_area import InspectionArea
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.roof_finding import FindingState
from roof_detector.inference.detector import Detector
from roof_detector.inference.package.class_facts import ClassFacts, MeasuredRecall
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.finding_tables import COLUMNS
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection import InspectedResults, inspect_results

CUE = (
    '{n}\n00:00:{n:02d},000 --> 00:00:{m:02d},000\n[focal_len: 24.00] [latitude: {latitude:.7f}] '
    '[longitude: 13.4100000] [rel_alt: 40.000 abs_alt: 120.000] '
    '[gb_yaw: 0.1 gb_pitch: -90.0 gb_roll: 0.0]\n\n'
)
UNPLACED = GeoreferenceSettings()


@pytest.fixture
def video(flights, tmp_path):
    """Return a video of one still image, six frames at 2 Hz."""
    path = tmp_path / 'DJI_0001.MP4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 2.0, flights.SIZE_WH)
    for _ in range(6):
        writer.write(flights.image(1))
    writer.release()
    return path


def write_subtitles(video, latitudes=(52.52, 52.52, 52.52)):
    text = ''.join(CUE.format(n=n, m=n + 1, latitude=one) for n, one in enumerate(latitudes))
    video.with_name('dji_0001.srt').write_text(text)


def inspect(detect, video, output, **options):
    (outcome,) = detect(video, confidence=0.01, resume=True)
    results = [InspectedResults(outcome.output, 'DJI_0001', video)]
    options.setdefault('georeferencing', UNPLACED)
    return inspect_results(results, output, **options)


def test_nothing_to_inspect_is_refused(tmp_path):
    with pytest.raises(ReplayError, match='no results to inspect'):
        inspect_results([], tmp_path, georeferencing=UNPLACED)


def test_a_video_with_telemetry_gives_each_object_once_and_all_files(video, detect, tmp_path):
    write_subtitles(video)
    found = inspect(detect, video, tmp_path / 'inspection')
    assert found.frames == 6
    # A still image from a camera that hangs still shows the same objects six times.
    assert len(found.findings) <= found.detections / 3
    assert all(one.place is not None for one in found.findings)
    names = {path.name for path in found.files}
    assert names == {
        *('inspection.gpkg', 'findings.csv', 'findings.xlsx', 'findings.geojson'),
        *('gaps.geojson', 'gaps.kml', 'gaps.plan'),
    }
    assert any('of what the flights enclose' in note for note in found.notes)
    with (tmp_path / 'inspection' / 'findings.csv').open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert [row['number'] for row in rows] == [str(one.number) for one in found.findings]
    sheet = openpyxl.load_workbook(tmp_path / 'inspection' / 'findings.xlsx')['findings']
    assert [cell.value for cell in sheet[1]] == list(COLUMNS)
    assert sheet.max_row == len(rows) + 1
    features = json.loads((tmp_path / 'inspection' / 'findings.geojson').read_text())['features']
    assert features[0]['geometry']['coordinates'][1] == pytest.approx(52.52, abs=1e-3)


def test_a_class_that_the_flight_shows_too_coarsely_cannot_be_judged(
    video, model_path, detect, tmp_path
):
    """40 m up, 53 pixels of focal length and an input of 64 for 80: 0.94 m per pixel."""
    write_subtitles(video)
    fine, coarse = (ClassFacts(metres_per_pixel=(0.1, one)) for one in (2.0, 0.5))
    with Detector.open(model_path, device='cpu', threads=1) as detector:
        first, second = detector.names[:2]
        detector.class_facts = {first: fine, second: coarse}
        (outcome,) = detect(video, confidence=0.01, detector=detector)
    results = [InspectedResults(outcome.output, 'DJI_0001', video)]
    found = inspect_results(results, tmp_path / 'inspection', georeferencing=UNPLACED)
    (note,) = [one for one in found.notes if 'cannot be judged' in one]
    assert note.startswith(
        f'{second} cannot be judged at this resolution in 6 of 6 frames of DJI_0001: they show '
        'the model 0.9'
    )


@pytest.mark.parametrize('is_measured', [True, False])
def test_findings_of_classes_that_no_photograph_proves_are_named(
    flights, model_path, detect, tmp_path, is_measured
):
    path = tmp_path / 'roof.png'
    cv2.imwrite(str(path), flights.image(1))
    with Detector.open(model_path, device='cpu', threads=1) as detector:
        first, *others = detector.names
        recall = (MeasuredRecall(0.01, 0.8, 40),)
        detector.class_facts = {first: ClassFacts(recall=recall)} if is_measured else {}
        (outcome,) = detect(path, confidence=0.01, detector=detector)
    results = [InspectedResults(outcome.output, 'roof', path)]
    found = inspect_results(results, tmp_path / 'inspection', georeferencing=UNPLACED)
    seen = dict.fromkeys(one.class_name for one in found.findings if one.class_name in others)
    notes = [note for note in found.notes if note.startswith('Not proven on photographs')]
    assert seen
    expected = f'Not proven on photographs: {", ".join(seen)}. '
    assert [note[: len(expected)] for note in notes] == ([expected] if is_measured else [])


def test_a_video_without_telemetry_gives_tracks_and_says_why(video, detect, tmp_path):
    found = inspect(detect, video, tmp_path / 'inspection')
    assert found.findings
    assert all(one.place is None for one in found.findings)
    assert any('has no positions of the camera' in note for note in found.notes)
    assert any(one.tracks for one in found.findings)
    features = json.loads((tmp_path / 'inspection' / 'findings.geojson').read_text())['features']
    assert {feature['geometry'] for feature in features} == {None}


@pytest.mark.parametrize('stated', [True, False])
def test_an_orthophoto_gives_each_detection_its_place(flights, detect, tmp_path, stated):
    path = tmp_path / 'ortho.tif'
    place = Affine(0.05, 0, 454_000, 0, -0.05, 38_000)
    values = np.moveaxis(flights.image(1, size_wh=(160, 120)), -1, 0)
    profile = {'driver': 'GTiff', 'width': 160, 'height': 120, 'count': 3, 'dtype': 'uint8'}
    with rasterio.open(path, 'w', crs='EPSG:32636', transform=place, **profile) as dataset:
        dataset.write(values)
        if stated:
            dataset.update_tags(CE95='0.5')
    (outcome,) = detect(path, confidence=0.6, formats=('geojson',))
    results = [InspectedResults(outcome.output, 'ortho', path)]
    found = inspect_results(results, tmp_path / 'inspection', georeferencing=UNPLACED)
    assert len(found.findings) == found.detections > 5
    features = json.loads((outcome.output / 'detections.geojson').read_text())['features']
    exported = np.array([one['geometry']['coordinates'] for one in features])
    places = [one.place for one in found.findings]
    placed = np.array([(one.longitude_deg, one.latitude_deg) for one in places])
    apart = np.abs(placed[:, None] - exported[None]).max(axis=2)
    assert max(apart.min(axis=0).max(), apart.min(axis=1).max()) < 2e-8  # 2 mm
    low, high = (0.5, 0.9) if stated else (8.0, 8.5)
    # The radius of the raster, and a little for the box; more where the edge cuts it.
    assert low <= min(one.radius95_m for one in places) <= high
    (note,) = [one for one in found.notes if 'is an orthophoto' in one]
    assert ('that it states' in note) == stated


def test_findings_outside_the_area_are_kept_apart(video, detect, tmp_path):
    write_subtitles(video)
    path = tmp_path / 'area.geojson'
    ring = [[13.40, 52.5], [13.42, 52.5], [13.42, 52.52], [13.40, 52.52], [13.40, 52.5]]
    path.write_text(json.dumps({'type': 'Polygon', 'coordinates': [ring]}))
    found = inspect(detect, video, tmp_path / 'inspection', area=InspectionArea.read(path))
    outside = [one.is_outside for one in found.findings]
    assert {True, False} == set(outside)
    assert outside == [one.place.latitude_deg > 52.52 for one in found.findings]
    assert sum(found.counts().values()) == outside.count(False)


def test_an_area_that_a_person_drew_outlasts_reruns_and_marks(video, detect, tmp_path, capsys):
    write_subtitles(video)
    (outcome,) = detect(video, confidence=0.01)
    output = tmp_path / 'inspection'
    output.mkdir()
    ring = [[13.40, 52.5], [13.42, 52.5], [13.42, 52.52], [13.40, 52.52], [13.40, 52.5]]
    drawn = output / 'area.geojson'
    drawn.write_text(json.dumps({'type': 'Polygon', 'coordinates': [ring]}))
    content = drawn.read_bytes()
    for options, is_taken in (([], True), (['--overwrite'], True), (['--area', 'none'], False)):
        with pytest.raises(SystemExit) as end:
            main(
                ['inspect', str(outcome.output), '--output', str(output), '--no-report', *options]
            )
        assert not end.value.code
        assert (f'The area is {drawn}' in capsys.readouterr().out) == is_taken
        with InspectionStore(output / 'inspection.gpkg') as store:
            assert (True in [one.is_outside for one in store.findings()]) == is_taken
        assert drawn.read_bytes() == content
    drawn.write_text('{}')
    with pytest.raises(SystemExit) as end:
        main(['inspect', str(outcome.output), '--output', str(output), '--no-report'])
    assert end.value.code == 1
    assert f'{drawn} holds no polygon' in capsys.readouterr().err


def test_a_rerun_gives_the_same_and_follows_decisions(video, detect, tmp_path):
    write_subtitles(video)
    first = inspect(detect, video, tmp_path / 'inspection')
    command = [sys.executable, '-m', 'roof_detector.cli.main', 'decide']
    store = str(tmp_path / 'inspection' / 'inspection.gpkg')
    decided = subprocess.run(
        [*command, store, '1', 'reject', '--who', 'A. B.'],
        capture_output=True,
        text=True,
        check=False,
    )
    assert decided.returncode == 0, decided.stderr
    missing = subprocess.run(
        [*command, store, '9999', 'reject'], capture_output=True, text=True, check=False
    )
    assert (missing.returncode, 'has no finding 9999' in missing.stderr) == (1, True)
    second = inspect(detect, video, tmp_path / 'inspection')
    assert [one.uuid for one in second.findings] == [one.uuid for one in first.findings]
    assert second.findings[0].state is FindingState.REJECTED
    with InspectionStore(tmp_path / 'inspection' / 'inspection.gpkg') as kept:
        assert kept.provenance()['inputs'][0]['flight'] == 'DJI_0001'


def test_a_jump_of_the_position_is_counted(video, detect, tmp_path):
    write_subtitles(video, (52.52, 53.9, 52.52))
    found = inspect(detect, video, tmp_path / 'inspection')
    assert any('have no place' in note and 'jump' in note for note in found.notes)


def test_the_command_inspects_and_continues_what_is_done(video, model_path, tmp_path):
    write_subtitles(video)
    command = [
        *(sys.executable, '-m', 'roof_detector.cli.main', 'inspect', str(video)),
        *('--output', str(tmp_path / 'out'), '--model', str(model_path)),
        *('--confidence', '0.01', '--progress', 'none'),
    ]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    assert 'findings from' in first.stdout
    assert f'findings: {tmp_path / "out" / "report.html"}.' in first.stdout
    assert (tmp_path / 'out' / 'roof_mosaic.tif').is_file()
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 'was done before' in again.stdout, again.stderr
    assert np.array_equal(first.stdout.splitlines()[-2:], again.stdout.splitlines()[-2:])


def test_an_inspection_of_a_newer_version_is_refused_before_anything_is_detected(
    video, model_path, tmp_path, capsys
):
    output = tmp_path / 'out'
    output.mkdir()
    store = output / 'inspection.gpkg'
    InspectionStore(store).close()
    with sqlite3.connect(store) as connection:
        connection.execute('UPDATE inspection_schema SET version = 99')
    connection.close()
    before = store.read_bytes()
    commands = [
        ['inspect', video, '--output', output, '--model', model_path],
        ['decide', store, '1', 'reject'],
        ['changes', output, output],
        ['report', output],
    ]
    for words in commands:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        told = capsys.readouterr().err
        assert (ended.value.code, told.count('\n')) == (1, 1), told
        assert f'{store} has schema 99' in told
        assert 'update roof_detector' in told
    assert store.read_bytes() == before
    assert not (output / 'detections').exists()


def test_positions_that_are_no_numbers_leave_findings_without_a_place(video, detect, tmp_path):
    write_subtitles(video, latitudes=(float('nan'),) * 3)
    found = inspect(detect, video, tmp_path / 'inspection')
    assert found.frames == 6
    assert any('no place' in note for note in found.notes), found.notes
    assert [one.place for one in found.findings] == [None] * len(found.findings)
    with InspectionStore(tmp_path / 'inspection' / 'inspection.gpkg') as store:
        assert len(store.findings()) == len(found.findings)


def test_two_inputs_of_different_places_are_counted_apart(video, detect, tmp_path):
    write_subtitles(video)
    (outcome,) = detect(video, confidence=0.01, resume=True)
    write_subtitles(video, latitudes=(48.0, 48.0, 48.0))
    other = tmp_path / 'other' / 'DJI_0002.MP4'
    other.parent.mkdir()
    other.write_bytes(video.read_bytes())
    other.with_name('DJI_0002.srt').write_text(video.with_name('dji_0001.srt').read_text())
    (away,) = detect(other, confidence=0.01, resume=True)
    write_subtitles(video)
    results = [
        InspectedResults(outcome.output, 'DJI_0001', video),
        InspectedResults(away.output, 'DJI_0002', other),
    ]
    found = inspect_results(results, tmp_path / 'inspection', georeferencing=UNPLACED)
    assert any('far from all others' in note for note in found.notes), found.notes
    assert {one.place is None for one in found.findings if one.flights == ('DJI_0002',)} == {True}
