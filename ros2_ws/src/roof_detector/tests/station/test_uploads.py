# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What is taken in over HTTP, what is refused, and where it lies."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import threading
import zipfile
from pathlib import Path

import cv2
import httpx
import numpy as np
import psutil
import pytest
import torch
from fastapi import FastAPI
from tiny_model import write_model

from roof_detector.bags.disk import free_bytes
from roof_detector.station import model_store
from roof_detector.station.access_middleware import AccessMiddleware
from roof_detector.station.bind_address import BindAddress
from roof_detector.station.disk_budget import DiskBudget
from roof_detector.station.download_routes import add_download_routes
from roof_detector.station.errors import StationError
from roof_detector.station.flight_store import FlightStore
from roof_detector.station.folders import StationFolders, files_below, open_below
from roof_detector.station.jobs import command_process
from roof_detector.station.jobs.command_process import CommandProcess
from roof_detector.station.jobs.job import JobRequest, JobState
from roof_detector.station.jobs.job_queue import JobQueue
from roof_detector.station.language import Language
from roof_detector.station.model_store import ModelStore
from roof_detector.station.review.received_inspections import ReceivedInspections
from roof_detector.station.upload_content import recognise
from roof_detector.station.upload_routes import add_upload_routes
from roof_detector.station.uploads import Uploads, safe_stem

LIMIT_BYTES = 100_000


class Station:
    """The station's routes behind its access_middleware, without a page."""

    def __init__(self, root):
        self.folders = StationFolders.make(str(root))
        if not list(self.folders.models.iterdir()):
            write_model(self.folders.models / 'tiny.onnx')
        self.model = str(self.folders.models / 'tiny.onnx')
        app = FastAPI()
        self.floor_bytes = 0
        disk = DiskBudget(self.folders.root, recorder_floor_bytes=lambda: self.floor_bytes)
        self.queue = JobQueue(self.folders, disk=disk)
        uploads = Uploads(self.folders, limit_bytes=LIMIT_BYTES, disk=disk)
        models = self.models = ModelStore(self.folders, limit_bytes=LIMIT_BYTES, disk=disk)
        flights = FlightStore(lambda: self.folders.flights)
        text = Language('en')
        received = ReceivedInspections(self.folders, limit_bytes=LIMIT_BYTES, disk=disk)
        add_upload_routes(
            app,
            uploads=uploads,
            queue=self.queue,
            models=models,
            received=received,
            text=text,
        )
        add_download_routes(app, folders=self.folders, queue=self.queue, flights=flights)
        app.add_middleware(
            AccessMiddleware,
            address=BindAddress('127.0.0.1', 8080, ''),
            upload_limit_bytes=LIMIT_BYTES,
        )
        self._transport = httpx.ASGITransport(app)

    def ask(self, method, path, **options):
        async def one():
            base = 'http://127.0.0.1:8080'
            async with httpx.AsyncClient(transport=self._transport, base_url=base) as client:
                return await client.request(method, path, **options)

        return asyncio.run(one())

    def begin(self):
        return f'/uploads/{self.ask("POST", "/uploads").json()["id"]}'

    def send(self, upload, name, content):
        return self.ask('POST', f'{upload}/files', params={'name': name}, content=content)

    def order(self, upload, **options):
        return self.ask('POST', f'{upload}/job', params={'model': self.model, **options})


@pytest.fixture
def station(tmp_path):
    return Station(tmp_path / 'station')


def image(suffix='.png', number=1):
    noise = np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return cv2.imencode(suffix, noise)[1].tobytes()


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', '.tif', '.webp'])
def test_every_kind_of_image_is_known_by_its_content(suffix):
    content = recognise(image(suffix), name='x.exe')
    assert (content.kind, content.suffix) == ('image', suffix)


@pytest.mark.parametrize(
    ('suffix', 'codec'), [('.avi', 'MJPG'), ('.mp4', 'mp4v'), ('.mkv', 'MJPG'), ('.ts', 'mp4v')]
)
def test_every_kind_of_video_is_known_by_its_content(numbered_images, tmp_path, suffix, codec):
    video = numbered_images.write_video(tmp_path / f'v{suffix}', frames=20, codec=codec)
    content = recognise(video.read_bytes()[:4096], name='x.jpg')
    assert (content.kind, content.suffix) == ('video', suffix)


@pytest.mark.parametrize(
    'content', [b'', b'<svg onload="alert(1)">', b'#!/bin/sh', b'8BPS', b'PK\x03\x04'], ids=repr
)
def test_all_else_is_refused_whatever_it_is_called(station, content):
    upload = station.begin()
    answer = station.send(upload, 'roof.jpg', content)
    assert answer.status_code == 415 and answer.text.startswith('roof.jpg is ')
    assert station.order(upload).text.startswith('None of the files was accepted')
    assert not [path for path in station.folders.root.rglob('*') if path.suffix == '.part']


@pytest.mark.parametrize(
    'name',
    ['../../etc/cron.d/x.png', '..\\..\\x.png', '/etc/passwd', '.', 'a\n;rm -rf ~.png', 'x' * 400],
    ids=repr,
)
def test_a_file_lies_in_its_own_folder_under_a_plain_name(station, name):
    upload = station.begin()
    assert station.send(upload, name, image()).status_code == 200
    assert station.send(upload, name, image()).status_code == 200
    files = [path for path in station.folders.root.rglob('*') if path.suffix == '.png']
    assert len(files) == 2
    for path in files:
        assert path.parent == station.folders.uploads / upload.rpartition('/')[2] / 'images'
        assert path.stem.replace('-', '_').isidentifier() or path.stem[0].isdigit()


def test_names_in_any_script_stay_readable():
    assert safe_stem('屋顶 北侧.jpg') == '屋顶_北侧'


def test_what_is_too_large_leaves_nothing(station):
    upload = station.begin()
    answer = station.send(upload, 'roof.png', image() + bytes(LIMIT_BYTES))
    assert answer.status_code == 413 and 'upload_limit_mb' in answer.text
    assert station.send(upload, 'r.png', bytes(2 * LIMIT_BYTES)).status_code == 413
    assert not [path for path in station.folders.uploads.rglob('*') if path.is_file()]


def test_another_site_can_send_nothing(station):
    answer = station.ask('POST', '/uploads', headers={'origin': 'http://evil.example'})
    assert answer.status_code == 403
    assert not list(station.folders.uploads.iterdir())


def test_a_job_has_images_or_one_video(station, numbered_images, tmp_path):
    video = numbered_images.write_video(tmp_path / 'v.avi', frames=3).read_bytes()
    upload = station.begin()
    station.send(upload, 'a.png', image())
    assert 'images, or one video' in station.send(upload, 'v.avi', video).text


@pytest.mark.parametrize(
    'options', [{'model': '/etc/passwd'}, {'confidence': 7}, {'iou': 'x'}], ids=str
)
def test_nonsense_is_not_queued(station, options):
    upload = station.begin()
    station.send(upload, 'a.png', image())
    assert station.order(upload, **options).status_code in (400, 422)
    assert not station.queue.jobs


def test_an_upload_that_was_given_up_is_swept_away_at_the_next_start(station):
    station.send(station.begin(), 'a.png', image())
    assert list(station.folders.uploads.iterdir())
    again = Station(station.folders.root)
    assert not list(again.folders.uploads.iterdir())


def work(queue):
    """Let a queue do all that waits in it."""

    async def run():
        await queue.start()
        while any(job.state in ('queued', 'running') for job in queue.jobs):
            await asyncio.sleep(0.05)
        await queue.close()

    asyncio.run(run())


def test_results_are_there_after_a_restart_and_nothing_else_can_be_fetched(station):
    upload = station.begin()
    station.send(upload, 'a.tif', image('.tif'))
    station.send(upload, 'b.png', image(number=2))
    job_id = station.order(upload, confidence=0.3).json()['id']
    station.queue.add(
        JobRequest(kind='video', title='gone.mp4', source='/nowhere/gone.mp4', model=station.model)
    )
    work(station.queue)
    again = Station(station.folders.root)
    failed, done = again.queue.jobs
    assert done.id == job_id and (done.state, done.request.confidence) == (JobState.DONE, 0.3)
    assert failed.state == JobState.FAILED and 'gone.mp4' in failed.reason
    jobs = f'/jobs/{job_id}'
    archive = zipfile.ZipFile(io.BytesIO(again.ask('GET', f'{jobs}/zip').content))
    assert archive.testzip() is None
    assert {'images/detections.xlsx', 'images/images/a.tif'} <= set(archive.namelist())
    for side in ('before/images/a.tif', 'after/images/images/a.tif'):
        shown = again.ask('GET', f'{jobs}/{side}', params={'width': 40})
        assert cv2.imdecode(np.frombuffer(shown.content, np.uint8), 1).shape == (30, 40, 3)
    for path in ('after/%2e%2e/x', 'after//etc/passwd', 'after/none.csv', 'sideways/x'):
        assert again.ask('GET', f'{jobs}/{path}').status_code in (400, 404)
    asyncio.run(again.queue.delete(job_id))
    assert not (again.folders.results / job_id).exists()
    assert not (again.folders.uploads / job_id).exists()


@pytest.mark.parametrize('name', ['best.engine', 'best.torchscript', 'best', 'best.pt.exe'])
def test_a_model_that_is_a_program_is_refused_by_its_kind(station, name):
    answer = station.ask('POST', '/models', params={'name': name}, content=b'x')
    assert answer.status_code == 415 and '.pt and .onnx files are accepted' in answer.text


def test_a_model_that_runs_code_is_refused_and_a_good_one_is_taken_once(station, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f'touch {tmp_path}/owned',)

    torch.save({'model': Evil()}, tmp_path / 'evil.pt')
    evil = (tmp_path / 'evil.pt').read_bytes()
    answer = station.ask('POST', '/models', params={'name': 'evil.pt'}, content=evil)
    assert answer.status_code == 415 and answer.text.startswith('evil.pt is refused: reading it')
    good = write_model(tmp_path / 'good.onnx', seed=2).read_bytes()
    answer = station.ask('POST', '/models', params={'name': '../../my model.onnx'}, content=good)
    message = 'my_model.onnx is available: detection of equip, drain, crack.'
    assert answer.json() == {'message': message}
    again = station.ask('POST', '/models', params={'name': 'other.onnx'}, content=good)
    assert again.text == 'other.onnx is already stored as my_model.onnx.'
    names = sorted(path.name for path in station.folders.models.rglob('*') if path.is_file())
    assert names == ['my_model.onnx', 'tiny.onnx'] and not (tmp_path / 'owned').exists()


def test_a_job_that_is_not_there_is_named(station):
    with pytest.raises(StationError, match='no job'):
        station.queue.job('../x')


def test_the_station_leaves_a_recording_its_part_of_the_disk(station):
    """The recorder stops at its floor; uploads and jobs stop before it has to."""
    upload = station.begin()
    assert station.send(upload, 'a.png', image()).status_code == 200
    free = free_bytes(station.folders.root)
    station.floor_bytes = free - 500_000_000  # the recorder would still record
    for answer in (
        station.send(upload, 'b.png', image(number=2)),
        station.ask('POST', '/models', params={'name': 'a.onnx'}, content=b'x'),
    ):
        assert answer.status_code == 507 and 'reserved for recordings' in answer.text
    job_id = station.order(upload).json()['id']
    work(station.queue)
    job = station.queue.job(job_id)
    assert job.state == JobState.FAILED and 'reserved for recordings' in job.reason
    station.floor_bytes = 0
    station.queue.retry(job_id)
    work(station.queue)
    assert station.queue.job(job_id).state == JobState.DONE


def test_what_is_announced_and_does_not_fit_is_refused_before_it_is_read(station):
    async def unread():
        msg = 'it was read'
        raise AssertionError(msg)
        yield b''

    room = free_bytes(station.folders.root) - 1_000_000_000
    uploads = Uploads(station.folders, limit_bytes=10**12, disk=DiskBudget(station.folders.root))
    with pytest.raises(StationError, match='more are needed') as refusal:
        asyncio.run(uploads.add(uploads.begin(), 'a.png', unread(), size_bytes=room))
    assert refusal.value.status == 507


@pytest.fixture
def nothing_begins(monkeypatch, tmp_path):
    """Have Python wait for ever in each process that the station starts."""
    (tmp_path / 'sitecustomize.py').write_text('import time\ntime.sleep(600)\n')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))


@pytest.mark.usefixtures('nothing_begins')
def test_a_running_job_stops_before_a_recording_has_to(station, monkeypatch):
    monkeypatch.setattr('roof_detector.station.jobs.job_queue._DISK_PERIOD_S', 0.1)
    upload = station.begin()
    station.send(upload, 'a.png', image())
    job_id = station.order(upload).json()['id']

    async def run():
        await station.queue.start()
        while station.queue.job(job_id).state != JobState.RUNNING:
            await asyncio.sleep(0.02)
        station.floor_bytes = free_bytes(station.folders.root)
        while station.queue.job(job_id).state == JobState.RUNNING:
            await asyncio.sleep(0.02)
        await station.queue.close()

    asyncio.run(run())
    job = station.queue.job(job_id)
    assert job.state == JobState.FAILED and 'reserved for recordings' in job.reason


def is_check(process):
    try:
        return 'check' in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False  # it has ended, whoever collects it


@pytest.mark.usefixtures('nothing_begins')
def test_the_check_of_a_model_has_a_deadline_and_leaves_no_process(station, monkeypatch):
    monkeypatch.setattr(model_store, '_CHECKED_WITHIN_S', 0.5)
    answer = station.ask('POST', '/models', params={'name': 'a.onnx'}, content=b'x')
    assert answer.status_code == 415 and 'did not load within' in answer.text
    assert not [child for child in psutil.Process().children(recursive=True) if is_check(child)]
    assert not list((station.folders.models / 'incoming').iterdir())


def test_nobody_waits_for_the_check_of_another_model(station, monkeypatch):
    begun = []

    async def hang(self, on_event):
        begun.append(self)
        await asyncio.Event().wait()

    monkeypatch.setattr(CommandProcess, 'run', hang)

    async def blocks(content):
        yield content

    async def run():
        checks = [
            asyncio.create_task(station.models.add(f'{k}.onnx', blocks(bytes([k]))))
            for k in range(2)
        ]
        while len(begun) < len(checks):
            await asyncio.sleep(0.01)
        with pytest.raises(StationError, match='are being checked'):
            await station.models.add('more.onnx', blocks(b'more'))
        assert station.models.choices
        for check in checks:
            check.cancel()

    asyncio.run(run())


def test_an_error_of_one_job_does_not_end_the_queue(station, monkeypatch):
    upload = station.begin()
    station.send(upload, 'a.png', image())
    good = station.order(upload).json()['id']
    bad = station.queue.add(
        JobRequest(kind='video', title='bad', source='/x', model=station.model)
    ).id
    run = CommandProcess.run

    async def broken(self, on_event):
        if '/x' in self._arguments:
            on_event({'event': 'progress', 'input': '', 'nobody': 'knows this'})
        return await run(self, on_event)

    monkeypatch.setattr(CommandProcess, 'run', broken)
    work(station.queue)
    assert (
        station.queue.job(bad).state == JobState.FAILED
        and station.queue.job(good).state == JobState.DONE
    )


def test_a_line_of_any_length_of_a_job_is_no_event(tmp_path):
    (tmp_path / 'long').write_text('x' * 3_000_000)
    process = CommandProcess(['--version'], log=tmp_path / 'log.txt')
    process._arguments = ['--version']
    heard = []

    async def run():
        stream = asyncio.StreamReader()
        stream.feed_data(b'a' * 1_000_000 + b'\n{"event": "progress"}\n')
        stream.feed_eof()
        while line := await command_process._line(stream):
            heard.append(command_process._event(line))

    asyncio.run(run())
    assert heard[-1] == {'event': 'progress'} and not any(heard[:-1])


@pytest.fixture
def outside(tmp_path):
    secret = tmp_path / 'outside'
    secret.mkdir()
    (secret / 'secret.txt').write_text('a secret')
    return secret


def test_no_link_leads_out_of_a_folder(station, outside):
    folder = station.folders.root / 'x'
    (folder / 'inner').mkdir(parents=True)
    (folder / 'plain.txt').write_text('plain')
    (folder / 'file').symlink_to(outside / 'secret.txt')
    (folder / 'folder').symlink_to(outside)
    (folder / 'inner/up').symlink_to('../..')
    os.mkfifo(folder / 'pipe')
    with open_below(folder, 'plain.txt') as file:
        assert file.read() == b'plain'
    for name in (
        *('file', 'folder/secret.txt', 'inner/up/x/plain.txt', 'pipe', 'inner', '', '.', '..'),
        *('/etc/passwd', '../x/plain.txt', 'a\0b', 'a' * 5000),
    ):
        with pytest.raises(StationError, match='no file'):
            open_below(folder, name)
    assert [name.as_posix() for name in files_below(folder)] == ['plain.txt']


def test_a_link_that_is_put_there_while_this_looks_leads_nowhere(station, outside):
    """The race that a check by path loses: it is run against an exchange of folder and link."""
    folder = station.folders.root / 'x'
    (folder / 'real').mkdir(parents=True)
    (folder / 'real/secret.txt').write_text('plain')
    (folder / 'link').symlink_to(outside)
    ended = threading.Event()

    def exchange():
        while not ended.is_set():
            for name in ('real', 'link'):
                (folder / name).rename(folder / 'shown')
                (folder / 'shown').rename(folder / name)

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        read = tried = 0
        while tried < 5000 or (not read and tried < 500_000):
            tried += 1
            try:
                with open_below(folder, 'shown/secret.txt') as file:
                    assert file.read() == b'plain'
                    read += 1
            except StationError:
                pass
        assert read
    finally:
        ended.set()
        thread.join()


def test_neither_zip_nor_file_nor_delete_of_a_flight_or_job_follows_a_link(station, outside):
    flight = station.folders.flights / 'flight_1'
    flight.mkdir()
    (flight / 'flight_1_0.mcap').write_bytes(b'bag')
    (flight / 'stolen.txt').symlink_to(outside / 'secret.txt')
    (flight / 'folder').symlink_to(outside)
    archive = zipfile.ZipFile(io.BytesIO(station.ask('GET', '/flights/flight_1/zip').content))
    assert archive.namelist() == ['flight_1/flight_1_0.mcap']
    upload = station.begin()
    station.send(upload, 'a.png', image())
    job = station.order(upload).json()['id']
    results = station.folders.results / job
    (results / 'stolen.csv').symlink_to(outside / 'secret.txt')
    (results / 'folder').symlink_to(outside)
    (station.folders.uploads / job / 'images/b.png').symlink_to(outside / 'secret.txt')
    for path in ('after/stolen.csv', 'after/folder/secret.txt', 'before/images/b.png'):
        assert station.ask('GET', f'/jobs/{job}/{path}').status_code == 404
    archive = zipfile.ZipFile(io.BytesIO(station.ask('GET', f'/jobs/{job}/zip').content))
    assert archive.namelist() == []
    asyncio.run(station.queue.delete(job))
    station.ask('GET', '/')
    FlightStore(lambda: station.folders.flights).delete('flight_1')
    assert (outside / 'secret.txt').read_text() == 'a secret'


def test_a_linked_job_is_none_and_a_folder_of_others_is_left_alone(station, outside):
    shutil.copytree(outside, station.folders.uploads / 'my images')
    upload = station.begin()
    station.send(upload, 'a.png', image())
    job = station.order(upload).json()['id']
    shutil.move(station.folders.results / job, outside / job)
    (station.folders.results / job).symlink_to(outside / job)
    again = Station(station.folders.root)
    assert not again.queue.jobs
    assert (again.folders.uploads / 'my images/secret.txt').exists()


def test_a_part_of_a_file_and_a_page_in_a_result_are_served_safely(station):
    upload = station.begin()
    station.send(upload, 'a.png', image())
    job = station.order(upload).json()['id']
    (station.folders.results / job / 'x.html').write_text('<script>alert(1)</script>')
    answer = station.ask('GET', f'/jobs/{job}/after/x.html')
    assert answer.headers['content-disposition'].startswith('attachment')
    part = station.ask('GET', f'/jobs/{job}/after/x.html', headers={'range': 'bytes=1-6'})
    assert part.status_code == 206 and part.text == 'script'
    before = len(list(Path('/proc/self/fd').iterdir()))
    for _ in range(20):
        station.ask('GET', f'/jobs/{job}/after/x.html')
        station.ask('GET', f'/jobs/{job}/after/x.html', headers={'range': 'bytes=9-1,x'})
    assert len(list(Path('/proc/self/fd').iterdir())) <= before + 2
