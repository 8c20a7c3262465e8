# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A stream of the network shows what the same video shows as a file."""

from __future__ import annotations

import http.server
import threading
from fractions import Fraction
from functools import partial

import cv2
import numpy as np
import pytest

from generation.video_samples import encoded, of_bytes
from roof_detector.inputs.errors import CaptureError
from roof_detector.inputs.stream_capture import StreamCapture
from roof_detector.inputs.video import VideoInput

BT709_FULL = (1, 2, 0)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(tmp_path):
    handler = partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


@pytest.mark.parametrize(
    ('suffix', 'codec', 'options'),
    [
        ('.ts', 'libx264', {'colours': BT709_FULL}),
        ('.ts', 'libx264', {'aspect': Fraction(4, 3)}),
        ('.webm', 'libsvtav1', {'options': {'preset': '12', 'svtav1-params': 'lp=1'}}),
    ],
    ids=['colours', 'pixels', 'AV1'],
)
def test_a_stream_shows_what_its_file_shows(tmp_path, address, suffix, codec, options):
    path = encoded(suffix, codec, **options)(tmp_path / 'flight')
    with VideoInput(path) as source:
        expected = [frame.image_bgr for frame in source]
    capture = StreamCapture(f'{address}/{path.name}', name='flight')
    assert capture.get(cv2.CAP_PROP_FPS) in (0.0, 10.0)
    for image in expected:
        found, shown = capture.read()
        assert found
        np.testing.assert_array_equal(shown, image)
    assert capture.read() == (False, None)
    capture.release()


@pytest.mark.parametrize('name', ['gone.ts', 'text.ts', 'list.m3u8'])
def test_what_is_no_stream_is_refused_under_its_name(tmp_path, address, name):
    of_bytes('.ts', b'remember the milk\n' * 50)(tmp_path / 'text')
    secret = encoded('.ts', 'mpeg2video')(tmp_path / 'secret')
    playlist = f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n'
    (tmp_path / 'list.m3u8').write_text(playlist)
    with pytest.raises(CaptureError, match='The stream the roof '):
        StreamCapture(f'{address}/{name}', name='the roof')
