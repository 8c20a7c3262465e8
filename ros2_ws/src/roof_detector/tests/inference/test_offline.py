# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

BLOCKED = textwrap.dedent(
    """
    import ipaddress, os, socket, sys

    for name in list(os.environ):
        if name.startswith(('YOLO', 'PYTEST', 'OMP_NUM')):
            del os.environ[name]

    reached = []
    real_connect, real_sendto, real_lookup = (
        socket.socket.connect, socket.socket.sendto, socket.getaddrinfo
    )

    def is_local(family, host):
        if family == socket.AF_UNIX or host in ('localhost', None, ''):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def refuse(what):
        reached.append(str(what))
        raise OSError(f'the network is out of reach: {what}')

    def connect(self, address):
        if not is_local(self.family, address[0]):
            refuse(address)
        return real_connect(self, address)

    def sendto(self, data, *rest):
        if not is_local(self.family, rest[-1][0]):
            refuse(rest[-1])
        return real_sendto(self, data, *rest)

    def getaddrinfo(host, *rest, **named):
        if not is_local(None, host):
            refuse(host)
        return real_lookup(host, *rest, **named)

    socket.socket.connect = socket.socket.connect_ex = connect
    socket.socket.sendto = sendto
    socket.getaddrinfo = socket.gethostbyname = getaddrinfo
    """
)
DETECT = textwrap.dedent(
    """
    import cv2
    import numpy as np
    from roof_detector.inference.detector import Detector
    from roof_detector.vision.thresholds import Thresholds

    cv2_threads = cv2.getNumThreads()
    printed = repr(np.array([0.123456789]))
    with Detector.open(sys.argv[1], device='cpu') as detector:
        detector.warm_up((320, 200))
        detector.detect(np.zeros((200, 320, 3), np.uint8), Thresholds())
    assert 'OMP_NUM_THREADS' not in os.environ
    assert cv2.getNumThreads() == cv2_threads
    assert repr(np.array([0.123456789])) == printed
    assert not reached, reached
    print('left', os.environ.get('YOLO_CONFIG_DIR', '-'))
    """
)

EXPORT = textwrap.dedent(
    """
    from pathlib import Path
    import numpy as np
    from roof_detector.inference.export.build import build_export
    from roof_detector.inference.export.recipe import ExportRecipe

    model, folder = Path(sys.argv[1]), Path(sys.argv[2])
    grey = np.full((64, 64, 3), 114, np.uint8)
    for name in ('onnx', 'openvino', 'torchscript'):
        recipe = ExportRecipe(format=name, image_size=(64, 64))
        build_export(model, recipe, folder=folder, frames=[grey])
    assert not reached, reached
    """
)


# A network of its own, without an interface: what C++ libraries try is counted there. Where the
# kernel allows none, as in some containers, Python's sockets alone are watched.
APART = ['unshare', '--map-root-user', '--net']
try:
    CAN_BE_APART = not subprocess.run(
        [*APART, 'true'], capture_output=True, check=False
    ).returncode
except FileNotFoundError:
    CAN_BE_APART = False


def run(script: str, *arguments: str, home: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, '-c', script, *arguments]
    if CAN_BE_APART:
        shell = f'{shlex.join(command)} && cat /proc/net/snmp > {shlex.quote(str(home))}.snmp'
        command = [*APART, 'sh', '-c', shell]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'HOME': str(home), 'PYTHONPATH': os.pathsep.join(sys.path)},
    )


def packets_tried(home: Path) -> int:
    if not CAN_BE_APART:
        return 0
    names, values = (
        line.split() for line in Path(f'{home}.snmp').read_text().splitlines() if line[:3] == 'Ip:'
    )
    return int(values[names.index('OutNoRoutes')])


def test_the_block_itself_works(tmp_path):
    script = BLOCKED + "socket.create_connection(('203.0.113.1', 80), timeout=1)"
    result = run(script, home=tmp_path)
    assert 'the network is out of reach' in result.stderr
    if CAN_BE_APART:
        shell = "['bash', '-c', 'echo > /dev/udp/203.0.113.1/53']"
        run(f'import subprocess; subprocess.run({shell})', home=tmp_path)
        assert packets_tried(tmp_path) > 0


@pytest.mark.parametrize('kind', ['pt', 'onnx', 'openvino'])
def test_a_detector_reaches_no_network_and_leaves_nothing_behind(detect_models, kind, tmp_path):
    result = run(BLOCKED + DETECT, str(getattr(detect_models, kind)), home=tmp_path)
    assert result.returncode == 0, result.stderr
    assert packets_tried(tmp_path) == 0
    (folder,) = (line.split()[1] for line in result.stdout.splitlines() if line[:4] == 'left')
    assert folder == '-' or not Path(folder).exists()
    assert [file for file in tmp_path.rglob('*') if file.is_file()] == []
    assert [line for line in result.stdout.splitlines() if line[:4] != 'left'] == []


def test_an_export_reaches_no_network_and_says_nothing(detect_pt, tmp_path):
    home = tmp_path / 'home'
    home.mkdir()
    result = run(BLOCKED + EXPORT, str(detect_pt), str(tmp_path / 'out'), home=home)
    assert result.returncode == 0, result.stderr
    assert packets_tried(home) == 0
    assert (result.stdout, result.stderr) == ('', '')
    assert len(list((tmp_path / 'out').iterdir())) == 3
    assert [file for file in home.rglob('*') if file.is_file()] == []


def test_ultralytics_finds_a_font_without_asking_the_network(tmp_path):
    script = BLOCKED + (
        'from roof_detector.inference.quiet_ultralytics import import_quietly\n'
        "checks = import_quietly('ultralytics.utils.checks')\n"
        'checks.check_font()\n'
        "checks.check_font('Arial.Unicode.ttf')\n"
        "checks.check_requirements('a-package-that-is-not-there')\n"
        'assert not reached, reached\n'
    )
    result = run(script, home=tmp_path)
    assert result.returncode == 0, result.stderr
