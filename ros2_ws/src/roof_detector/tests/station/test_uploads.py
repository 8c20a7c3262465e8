# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What is taken in over HTTP, what is refused, and where it lies."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile

import cv2
import httpx
import numpy as np
import pytest
import torch
from fastapi import FastAPI
from tiny_model import write_model

from roof_detector.station.download_routes import add_download_routes
from roof_detector.station.errors import StationError
from roof_detector.station.flight_shelf import FlightShelf
from roof_detector.station.folders import StationFolders
from roof_detector.station.gatekeeper import Gatekeeper
from roof_detector.station.jobs.job import DONE, FAILED, JobOrder
from roof_detector.station.jobs.job_queue import JobQueue
from roof_detector.station.language import Language
from roof_detector.station.model_shelf import ModelShelf
from roof_detector.station.station_parameters import Door
from roof_detector.station.upload_content import recognise
from roof_detector.station.upload_routes import add_upload_routes
from roof_detector.station.uploads import Uploads, safe_stem

LIMIT_BYTES = 100_000


class Station:
    """The station's routes behind its gatekeeper, without a page."""

    def __init__(self, root):
        self.folders = StationFolders.make(str(root))
        if not list(self.folders.models.iterdir()):
            write_model(self.folders.models / 'tiny.onnx')
        self.model = str(self.folders.models / 'tiny.onnx')
        self.queue = JobQueue(self.folders)
        app = FastAPI()
        uploads = Uploads(self.folders, limit_bytes=LIMIT_BYTES)
        shelf = ModelShelf(self.folders, limit_bytes=LIMIT_BYTES)
        flights = FlightShelf(lambda: self.folders.flights)
        text = Language('en')
        add_upload_routes(app, uploads=uploads, queue=self.queue, shelf=shelf, text=text)
        add_download_routes(app, folders=self.folders, queue=self.queue, flights=flights)
        app.add_middleware(
            Gatekeeper, door=Door('127.0.0.1', 8080, ''), upload_limit_bytes=LIMIT_BYTES
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


def picture(suffix='.png', number=1):
    noise = np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return cv2.imencode(suffix, noise)[1].tobytes()


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', '.tif', '.webp'])
def test_every_kind_of_picture_is_known_by_its_content(suffix):
    content = recognise(picture(suffix), name='x.exe')
    assert (content.kind, content.suffix) == ('picture', suffix)


@pytest.mark.parametrize(
    ('suffix', 'codec'), [('.avi', 'MJPG'), ('.mp4', 'mp4v'), ('.mkv', 'MJPG'), ('.ts', 'mp4v')]
)
def test_every_kind_of_video_is_known_by_its_content(footage, tmp_path, suffix, codec):
    video = footage.write_video(tmp_path / f'v{suffix}', frames=20, codec=codec)
    content = recognise(video.read_bytes()[:4096], name='x.jpg')
    assert (content.kind, content.suffix) == ('video', suffix)


@pytest.mark.parametrize(
    'content', [b'', b'<svg onload="alert(1)">', b'#!/bin/sh', b'GIF89a', b'PK\x03\x04'], ids=repr
)
def test_all_else_is_refused_whatever_it_is_called(station, content):
    upload = station.begin()
    answer = station.send(upload, 'roof.jpg', content)
    assert answer.status_code == 415 and answer.text.startswith('roof.jpg is ')
    assert station.order(upload).text.startswith('None of the files was taken')
    assert not [path for path in station.folders.root.rglob('*') if path.suffix == '.part']


@pytest.mark.parametrize(
    'name',
    ['../../etc/cron.d/x.png', '..\\..\\x.png', '/etc/passwd', '.', 'a\n;rm -rf ~.png', 'x' * 400],
    ids=repr,
)
def test_a_file_lies_in_its_own_folder_under_a_plain_name(station, name):
    upload = station.begin()
    assert station.send(upload, name, picture()).status_code == 200
    assert station.send(upload, name, picture()).status_code == 200
    files = [path for path in station.folders.root.rglob('*') if path.suffix == '.png']
    assert len(files) == 2
    for path in files:
        assert path.parent == station.folders.uploads / upload.rpartition('/')[2] / 'pictures'
        assert path.stem.replace('-', '_').isidentifier() or path.stem[0].isdigit()


def test_names_in_any_script_stay_readable():
    assert safe_stem('屋顶 北侧.jpg') == '屋顶_北侧'


def test_what_is_too_large_leaves_nothing(station):
    upload = station.begin()
    answer = station.send(upload, 'roof.png', picture() + bytes(LIMIT_BYTES))
    assert answer.status_code == 413 and 'upload_limit_mb' in answer.text
    assert station.send(upload, 'r.png', bytes(2 * LIMIT_BYTES)).status_code == 413
    assert not [path for path in station.folders.uploads.rglob('*') if path.is_file()]


def test_another_site_can_send_nothing(station):
    answer = station.ask('POST', '/uploads', headers={'origin': 'http://evil.example'})
    assert answer.status_code == 403
    assert not list(station.folders.uploads.iterdir())


def test_a_job_has_pictures_or_one_video(station, footage, tmp_path):
    video = footage.write_video(tmp_path / 'v.avi', frames=3).read_bytes()
    upload = station.begin()
    station.send(upload, 'a.png', picture())
    assert 'pictures, or one video' in station.send(upload, 'v.avi', video).text


@pytest.mark.parametrize(
    'options', [{'model': '/etc/passwd'}, {'confidence': 7}, {'iou': 'x'}], ids=str
)
def test_nonsense_is_not_queued(station, options):
    upload = station.begin()
    station.send(upload, 'a.png', picture())
    assert station.order(upload, **options).status_code in (400, 422)
    assert not station.queue.jobs


def test_an_upload_that_was_given_up_is_swept_away_at_the_next_start(station):
    station.send(station.begin(), 'a.png', picture())
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
    station.send(upload, 'a.tif', picture('.tif'))
    station.send(upload, 'b.png', picture(number=2))
    job_id = station.order(upload, confidence=0.3).json()['id']
    station.queue.add(JobOrder('video', 'gone.mp4', '/nowhere/gone.mp4', model=station.model))
    work(station.queue)
    again = Station(station.folders.root)
    failed, done = again.queue.jobs
    assert done.id == job_id and (done.state, done.order.confidence) == (DONE, 0.3)
    assert failed.state == FAILED and 'gone.mp4' in failed.reason
    jobs = f'/jobs/{job_id}'
    archive = zipfile.ZipFile(io.BytesIO(again.ask('GET', f'{jobs}/zip').content))
    assert archive.testzip() is None
    assert {'pictures/detections.xlsx', 'pictures/pictures/a.tif'} <= set(archive.namelist())
    for side in ('before/pictures/a.tif', 'after/pictures/pictures/a.tif'):
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
    assert answer.status_code == 415 and '.pt and .onnx files are taken' in answer.text


def test_a_model_that_runs_code_is_refused_and_a_good_one_is_taken_once(station, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f'touch {tmp_path}/owned',)

    torch.save({'model': Evil()}, tmp_path / 'evil.pt')
    evil = (tmp_path / 'evil.pt').read_bytes()
    answer = station.ask('POST', '/models', params={'name': 'evil.pt'}, content=evil)
    assert answer.status_code == 415 and answer.text.startswith('evil.pt is refused: it asks for')
    good = write_model(tmp_path / 'good.onnx', seed=2).read_bytes()
    answer = station.ask('POST', '/models', params={'name': '../../my model.onnx'}, content=good)
    said = 'my_model.onnx can be chosen now: detection of equip, drain, crack.'
    assert answer.json() == {'said': said}
    again = station.ask('POST', '/models', params={'name': 'other.onnx'}, content=good)
    assert again.text == 'other.onnx is here already, as my_model.onnx.'
    names = sorted(path.name for path in station.folders.models.rglob('*') if path.is_file())
    assert names == ['my_model.onnx', 'tiny.onnx'] and not (tmp_path / 'owned').exists()


def test_a_job_that_is_not_there_is_named(station):
    with pytest.raises(StationError, match='no job'):
        station.queue.job('../x')
