# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import fcntl
import gc
import http.server
import logging
import os
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import settings

from benchmarks.campaign.free_port import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

TESTS = Path(__file__).parent
# How long an example takes is a matter of the machine; 200 ms are hypothesis' own limit. The same
# examples each time: one that fails is found by who brings it about, not by the next one.
# `--hypothesis-profile default` draws others.
settings.register_profile('any machine', deadline=None, derandomize=True)
settings.load_profile('any machine')
# What takes longest, in this order: begun last, one of them would be all that is left to wait for.
LONG_FILES = (
    'bench/test_bench.py',
    'blocks/test_model_export.py',
    'station/test_page.py',
    'campaign/test_campaigns.py',
    'fleet/test_fleet_run.py',
    'ros/test_camera_node.py',
    'training/research/ablation/test_ablation.py',
    'ros/test_detector_node.py',
    'demo/test_demo.py',
    'ros/test_recorder_process.py',
    'training/evaluation/test_evaluate.py',
    'offline/test_rasters.py',
    'inference/test_prepare.py',
    'training/quantization/test_quantize.py',
    'station/test_files_page.py',
    'training/test_ship.py',
    'ros/test_inspected_flight.py',
    'ros/test_inspector.py',
    'ros/test_health_of_nodes.py',
    'offline/test_inspection.py',
    'telemetry/test_overlap.py',
    'ros/test_model_change.py',
    'training/trainer/test_processes.py',
    'ros/test_several_cameras.py',
    'inference/importing/test_confined_reader.py',
    'blocks/test_triton_scan.py',
    'inference/test_parity.py',
    'station/test_flights_page.py',
    'inference/package/test_package.py',
    'inference/test_exports.py',
    'ros/test_real_flight.py',
    'ros/test_tiles.py',
    'ros/test_bad_messages.py',
    'ros/test_two_namespaces.py',
    'station/test_uploads.py',
    'results/test_streaming.py',
    'inference/test_offline.py',
    'training/test_train.py',
    'bags/test_splitting.py',
    'ros/test_odd_bags.py',
    'training/evaluation/test_suite.py',
    'blocks/test_registry.py',
    'offline/test_report.py',
)


def pytest_collection_modifyitems(items):
    """Put the files that take longest first; workers take files in this order."""
    places = {TESTS / name: place for place, name in enumerate(LONG_FILES)}
    missing = [str(path) for path in places if not path.is_file()]
    if missing:
        msg = f'LONG_FILES of {__file__} names {missing}, which are not there.'
        raise pytest.UsageError(msg)
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish():
    """Leave what the tests' modules hold out of each later collection, which takes a second."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    """Let what is frozen be collected at the end, as without."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def same_threads():
    """Leave torch as many threads as it had: answers differ by rounding between their numbers."""
    torch = sys.modules.get('torch')
    threads = torch and torch.get_num_threads()
    yield
    if torch and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


class NumberedImages:
    """Images whose grey value encodes their number, through any codec."""

    @staticmethod
    def image(number: int, *, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
        return np.full((size_wh[1], size_wh[0], 3), 8 + 8 * (number % 30), np.uint8)

    @staticmethod
    def number(image: np.ndarray) -> int:
        return round((float(image.mean()) - 8) / 8)

    @classmethod
    def write_video(
        cls,
        path: Path,
        *,
        frames: int,
        rate_hz: float = 20.0,
        codec: str = 'MJPG',
        size_wh: tuple[int, int] = (64, 48),
    ) -> Path:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate_hz, size_wh)
        assert writer.isOpened()
        for number in range(frames):
            writer.write(cls.image(number, size_wh=size_wh))
        writer.release()
        return path

    @classmethod
    def write_images(cls, folder: Path, *, numbers: range, suffix: str = '.png') -> Path:
        folder.mkdir(exist_ok=True)
        for number in numbers:
            assert cv2.imwrite(str(folder / f'frame_{number}{suffix}'), cls.image(number))
        return folder


@pytest.fixture(scope='session')
def make_once(tmp_path_factory):
    """Return what has a folder filled once for all workers: the first makes it, others wait."""
    root = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        root = root.parent

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = root / name, root / f'{name}.done'
        with (root / f'{name}.lock').open('w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture
def numbered_images():
    return NumberedImages()


@pytest.fixture(scope='session')
def encode_video():
    """Return what encodes images to the packets of a stream, as (number, bytes, is keyframe).

    The packets are in the order in which they are decoded, numbered by the images.
    """
    import av

    def encode(images, *, codec='libx264', gop=10, b_frames=0):
        height, width = images[0].shape[:2]
        context = av.CodecContext.create(codec, 'w')
        context.width, context.height, context.pix_fmt = width, height, 'yuv420p'
        context.time_base, context.framerate, context.gop_size = Fraction(1, 30), 30, gop
        reordering = f'keyint={gop}:scenecut=0:bframes={b_frames}'
        context.options = {
            'preset': 'ultrafast' if not b_frames else 'fast',
            'x264-params': reordering,
            'x265-params': f'log-level=none:pools=1:frame-threads=1:{reordering}',
            **({} if b_frames else {'tune': 'zerolatency'}),
        }
        packets = []
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts = number
            packets += context.encode(frame)
        packets += context.encode(None)
        return [(packet.pts, bytes(packet), packet.is_keyframe) for packet in packets]

    return encode


class StreamingCamera:
    """A camera on the network: a real HTTP server of motion JPEG that can be switched off."""

    def __init__(self) -> None:
        self.port = free_port()  # its own also while it is switched off
        self.authorizations: list[str] = []
        self._server: http.server.ThreadingHTTPServer | None = None
        self._off = threading.Event()

    @property
    def url(self) -> str:
        return f'http://user:secret@127.0.0.1:{self.port}/stream.mjpg'

    def switch_on(self) -> None:
        self._off = off = threading.Event()
        authorizations = self.authorizations

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                authorizations.append(self.headers.get('Authorization', ''))
                if not authorizations[-1]:
                    self.send_response(401)
                    self.send_header('WWW-Authenticate', 'Basic realm="camera"')
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
                self.end_headers()
                k = 0
                while not off.wait(0.02):
                    jpeg = cv2.imencode('.jpg', NumberedImages.image(k))[1].tobytes()
                    head = f'Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n'
                    try:
                        self.wfile.write(b'--frame\r\n' + head.encode() + jpeg + b'\r\n')
                    except OSError:
                        return
                    k += 1

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(('127.0.0.1', self.port), Handler)
        threading.Thread(
            target=self._server.serve_forever, kwargs={'poll_interval': 0.02}, daemon=True
        ).start()

    def switch_off(self) -> None:
        self._off.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture
def streaming_camera():
    camera = StreamingCamera()
    camera.switch_on()
    yield camera
    camera.switch_off()


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a disk of 12 MB."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    command = ['mount', '-t', 'tmpfs', '-o', 'size=12M', 'tmpfs', str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip('a small disk cannot be mounted here')
    yield folder
    subprocess.run(['umount', '-l', str(folder)], check=True)


@pytest.fixture(scope='session', autouse=True)
def _own_cache(tmp_path_factory):
    """Keep exports and imported models of the tests apart from those of whoever runs them."""
    root = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        root = root.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(root / 'cache'))
        yield


def _is_ours(thread: threading.Thread) -> bool:
    """Tell whether a thread that keeps a process alive runs code of this project."""
    work = getattr(thread, '_target', None) or type(thread)
    path = getattr(sys.modules.get(work.__module__), '__file__', None) or ''
    return not thread.daemon and Path(path).is_relative_to(TESTS.parent)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    """Fail a test that leaves a log handler or a running thread to those after it."""
    package = logging.getLogger('roof_detector')
    handlers, threads = set(package.handlers), set(threading.enumerate())
    yield
    left = [handler for handler in package.handlers if handler not in handlers]
    for handler in left:
        package.removeHandler(handler)
    running = [one for one in set(threading.enumerate()) - threads if _is_ours(one)]
    for thread in running:
        thread.join(60)
    assert not left, 'log handlers of the package outlive the test'
    assert not any(thread.is_alive() for thread in running), 'threads outlive the test'
