# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Real Ray on this computer, real recordings, and an S3 server on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from tiny_model import write_model

from roof_detector.bags.folder_lock import FolderLock
from roof_detector.fleet.catalog import read_catalog
from roof_detector.fleet.cluster import ClusterChoice, RayCluster
from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.fleet_job import FleetJob, ModelChoice
from roof_detector.fleet.fleet_progress import FleetProgress
from roof_detector.fleet.fleet_run import FleetRun
from roof_detector.fleet.fleet_store import FleetStore
from roof_detector.fleet.tasks import TaskFailure
from roof_detector.offline.batch import detect_all
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection import inspect_results, results_of
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds

CUE = (
    '{n}\n00:00:{n:02d},000 --> 00:00:{m:02d},000\n[focal_len: 24.00] [latitude: {latitude:.7f}] '
    '[longitude: 13.4100000] [rel_alt: 40.000 abs_alt: 120.000] '
    '[gb_yaw: 0.1 gb_pitch: -90.0 gb_roll: 0.0]\n\n'
)
SETTINGS = DetectSettings(Thresholds(confidence=0.93), OutputSettings(formats=()))
FRAMES = 10


def write_video(path, seed, *, latitude_deg=52.52):
    """Write a video of one still image at 2 Hz with its subtitles."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).integers(0, 256, (60, 80, 3), np.uint8)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 2.0, (80, 60))
    for _ in range(FRAMES):
        writer.write(image)
    writer.release()
    cues = [CUE.format(n=n, m=n + 1, latitude=latitude_deg + n * 1e-6) for n in range(FRAMES // 2)]
    path.with_suffix('.srt').write_text(''.join(cues))


@pytest.fixture(scope='module')
def cluster(bucket):
    # Workers inherit the address of the S3 server, so that it is there before them. The paths of
    # Ray's sockets may have 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix='ray') as folder,
        RayCluster(ClusterChoice(workers=2, temp=Path(folder))) as started,
    ):
        yield started


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('model') / 'small.onnx')


@pytest.fixture(scope='module')
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp('catalog')
    write_video(folder / '2024-03-01' / 'DJI_0001.MP4', 1)
    write_video(folder / '2024-06-01' / 'DJI_0001.MP4', 1)
    write_video(folder / '2024-06-02' / 'DJI_0002.MP4', 2, latitude_deg=52.6)
    # The same roof later: another file, for the store counts the same one once.
    with (folder / '2024-06-01' / 'DJI_0001.srt').open('a') as file:
        file.write(CUE.format(n=9, m=10, latitude=52.52))
    return folder


@pytest.fixture
def run(cluster, model, tmp_path):
    """Return a call that runs a fleet, and gives the store and its outcomes by their sources."""

    def runs(catalog, store='store', *, while_running=None):
        address = store if '://' in str(store) else str(tmp_path / store)
        job = FleetJob(
            store=address,
            model=ModelChoice(model=str(model), device='cpu', threads=1),
            scratch=tmp_path / 'scratch',
            settings=SETTINGS,
            piece_frames=4,
        )
        flights = [one for one in read_catalog(catalog) if not one.failure]
        fleet = FleetRun(job, flights, cluster=cluster, progress=FleetProgress('none'))
        try:
            found = {}
            for outcome in fleet.outcomes():
                found[outcome.source] = outcome
                if while_running is not None:
                    while_running()
            fleet.publish()
        finally:
            fleet.close()
        return FleetStore.open(address), found

    return runs


@pytest.fixture(scope='module')
def undisturbed(cluster, model, catalog, tmp_path_factory):
    """Return the store of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp('undisturbed')
    job = FleetJob(
        store=str(folder),
        model=ModelChoice(model=str(model), device='cpu', threads=1),
        scratch=folder,
        settings=SETTINGS,
        piece_frames=4,
    )
    fleet = FleetRun(job, read_catalog(catalog), cluster=cluster, progress=FleetProgress('none'))
    outcomes = list(fleet.outcomes())
    fleet.publish()
    fleet.close()
    assert [one.failure for one in outcomes] == ['', '', '']
    return folder


def listening_addresses(process):
    try:
        found = process.net_connections('inet')
    except psutil.NoSuchProcess:  # it has just ended
        return []
    return [one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN]


def test_all_of_ray_listens_on_the_loopback_address_alone(cluster):
    processes = psutil.Process().children(recursive=True)
    listening = [ip for process in processes for ip in listening_addresses(process)]
    assert len(listening) > 3
    assert all(ip.endswith(('127.0.0.1', '::1')) for ip in listening), listening


def test_a_flight_in_pieces_gives_what_inspect_gives_on_the_whole(
    undisturbed, catalog, model, tmp_path
):
    video = catalog / '2024-03-01' / 'DJI_0001.MP4'
    with ModelChoice(model=str(model), device='cpu', threads=1).open() as detector:
        outcomes = list(
            detect_all(
                [str(video)],
                tmp_path / 'detections',
                detector=detector,
                settings=SETTINGS,
                progress='none',
            )
        )
    results = results_of(outcomes, tmp_path / 'detections')
    found = inspect_results(results, tmp_path, georeferencing=GeoreferenceSettings())
    assert found.detections > FRAMES
    (folder,) = undisturbed.glob('inspections/2024-03-01*')
    for table in ('findings', 'sightings', 'tracks', 'frames', 'coverage', 'events'):
        assert rows(folder / 'inspection.gpkg', table) == rows(tmp_path / 'inspection.gpkg', table)
    bag = Path('detections', 'DJI_0001', 'bag', 'bag_0.mcap')
    assert (folder / bag).read_bytes() == (tmp_path / bag).read_bytes()


def rows(path, table):
    with sqlite3.connect(path) as connection:
        return connection.execute(f'SELECT * FROM {table} ORDER BY fid').fetchall()


def test_flights_of_one_roof_are_one_site_with_a_history(undisturbed):
    store = FleetStore.open(undisturbed)
    assert [(row['site'], row['flights'], row['last_date']) for row in store.rows('sites')] == [
        ('52.5200_13.4100', 2, '2024-06-01'),
        ('52.6000_13.4100', 1, '2024-06-02'),
    ]
    later = [row for row in store.rows('history') if row['flight_id'].startswith('2024-06-01')]
    assert later
    assert {row['change'] for row in later} == {'unchanged'}
    assert not list(undisturbed.glob('work/pieces/*'))


def test_a_second_run_infers_nothing_and_changes_no_byte(
    run, catalog, undisturbed, contents, tmp_path
):
    shutil.copytree(undisturbed, tmp_path / 'store')
    _, found = run(catalog)
    assert all(one.already_done for one in found.values())
    assert contents(tmp_path / 'store') == contents(undisturbed)


def test_killed_workers_change_no_byte(run, catalog, undisturbed, contents, tmp_path):
    killed = []

    def kill(process):
        if process.name().startswith('ray::') and len(killed) < 2:
            name = ' '.join(process.cmdline()) or process.name()
            if 'fleet' in name or 'IDLE' in name:
                process.send_signal(signal.SIGKILL)
                killed.append(process.pid)

    def kill_some():
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                kill(process)

    _, found = run(catalog, while_running=kill_some)
    assert killed
    assert [one.failure for one in found.values()] == ['', '', '']
    assert contents(tmp_path / 'store') == contents(undisturbed)
    assert not (tmp_path / 'store' / 'work' / 'scratch').exists()


def test_a_worker_that_dies_each_time_is_a_failure_with_a_reason(cluster):
    import ray

    dying = ray.remote(max_retries=0)(lambda: os.kill(os.getpid(), signal.SIGKILL))
    fleet = FleetRun.__new__(FleetRun)
    fleet._ray = ray
    failure = fleet._result(dying.remote())
    assert failure == TaskFailure('Its workers died four times; an input may be what kills them.')


def test_what_ray_reports_stays_off_the_lines_for_programs(cluster, capsys, caplog):
    import ray
    from ray._private.utils import push_error_to_driver

    push_error_to_driver(ray._private.worker.global_worker, 'worker_died', 'a worker\n died')
    deadline_s = time.monotonic() + 120
    while 'Ray reports: a worker died' not in caplog.text:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    assert capsys.readouterr().out == ''


def test_bad_entries_are_named_and_the_rest_is_done(cluster, model, catalog, tmp_path):
    import ray

    folder = tmp_path / 'bad'
    (folder / 'locked').mkdir(parents=True)
    for suffix in ('MP4', 'srt'):
        shutil.copy(catalog / '2024-03-01' / f'DJI_0001.{suffix}', folder / f'good.{suffix}')
    whole = (folder / 'good.MP4').read_bytes()
    (folder / 'torn.mp4').write_bytes(whole[: len(whole) // 3])
    (folder / 'half.mp4.part').write_bytes(whole)
    cv2.imwrite(str(folder / 'locked' / 'DJI_0001.jpg'), np.zeros((60, 80, 3), np.uint8))
    names = ('good.MP4', 'torn.mp4', 'half.mp4.part', 'locked', 'gone')
    entries = [{'name': name, 'inputs': [str(folder / name)]} for name in names]
    (tmp_path / 'flights.json').write_text(json.dumps(entries))
    lock = FolderLock(folder / 'locked')
    command = [
        sys.executable, '-m', 'roof_detector.cli.main', 'fleet', 'run',
        str(tmp_path / 'flights.json'), '--output', str(tmp_path / 'store'),
        '--model', str(model), '--device', 'cpu',
        '--address', ray.get_runtime_context().gcs_address, '--confidence', '0.93',
        '--progress', 'json',
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lock.release()
    assert done.returncode == 3, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    failures = {
        Path(one['source']).name: one['failure'] for one in events if one['event'] == 'outcome'
    }
    assert failures.keys() == set(names)
    assert failures['good.MP4'] == ''
    assert 'torn.mp4' in failures['torn.mp4']
    assert 'half uploaded' in failures['half.mp4.part']
    assert 'a recorder writes to it' in failures['locked']
    assert 'is gone' in failures['gone']
    assert len(FleetStore.open(tmp_path / 'store').rows('flights')) == 1
    progress = [one for one in events if one['event'] == 'fleet']
    assert progress[-1]['flights_done'] == progress[-1]['flights'] == 3


def test_only_one_run_at_a_time_writes_to_a_store(run, catalog, tmp_path):
    work = tmp_path / 'store' / 'work'
    FleetStore.create(tmp_path / 'store')
    work.mkdir()
    lock = FolderLock(work)
    with pytest.raises(FleetError, match='is being written by another run'):
        run(catalog)
    lock.release()


def test_an_object_store_gives_the_same_rows_and_takes_one_run_at_a_time(
    run, catalog, undisturbed, bucket
):
    for path in sorted(one for one in catalog.rglob('*') if one.is_file()):
        bucket.filesystem.put_file(str(path), f'fleet/in/{path.relative_to(catalog).as_posix()}')
    refused = []

    def run_another():
        if not refused:
            with pytest.raises(FleetError, match='store is being written by another run') as error:
                run('s3://fleet/in', 's3://fleet/store')
            refused.append(error)

    store, found = run('s3://fleet/in', 's3://fleet/store', while_running=run_another)
    assert refused
    assert [one.failure for one in found.values()] == ['', '', '']
    local = FleetStore.open(undisturbed)
    for table in ('findings', 'sightings', 'frames', 'history', 'sites'):
        assert store.rows(table) == local.rows(table)
    _, again = run('s3://fleet/in', 's3://fleet/store')
    assert all(one.already_done for one in again.values())
