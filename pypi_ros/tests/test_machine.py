# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the set-up says on a machine that lacks something."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / 'ros2_ws/src/roof_detector/pyproject.toml'
HERE = Path(__file__).resolve().parents[1]
Version = namedtuple('Version', 'major minor micro releaselevel serial')
Usage = namedtuple('Usage', 'total used free')


@pytest.fixture
def pypi_ros(monkeypatch):
    """Import the modules as bootstrap.py does, from its own folder."""
    monkeypatch.syspath_prepend(str(HERE))
    import environment
    import machine

    return namedtuple('Modules', 'machine environment')(machine, environment)


def test_this_machine_lacks_nothing(pypi_ros, tmp_path):
    assert pypi_ros.machine.missing(tmp_path, with_ros=False) == []


def test_without_a_compiler_the_bootstrap_ends_with_the_apt_line(tmp_path):
    finished = subprocess.run(
        [sys.executable, str(HERE / 'bootstrap.py'), '--venv', str(tmp_path / 'venv')],
        env={'PATH': str(tmp_path), 'HOME': str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.count('\n') == 1
    assert 'gcc and g++ are missing: sudo apt install build-essential' in finished.stderr
    assert not (tmp_path / 'venv').exists()


def test_a_missing_venv_module_is_named(pypi_ros, monkeypatch, tmp_path):
    monkeypatch.setattr(pypi_ros.machine.importlib.util, 'find_spec', lambda _: None)
    (sentence,) = pypi_ros.machine.missing(tmp_path, with_ros=False)
    assert 'sudo apt install python3-venv' in sentence


def test_a_full_disk_is_named_with_its_free_space(pypi_ros, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: Usage(1, 1, 2.5e9))
    (sentence,) = pypi_ros.machine.missing(tmp_path / 'new', with_ros=False)
    assert '2.5 GB free, 10 GB are needed' in sentence
    assert '1.5 GB are needed' not in sentence
    assert pypi_ros.machine.missing(tmp_path / 'new', with_ros=True, flight=True) == []
    assert pypi_ros.machine.missing(tmp_path, with_ros=False) == [], 'installed already'


def test_a_full_environment_does_not_become_a_light_one(pypi_ros, tmp_path):
    (tmp_path / 'lib/python3.11/site-packages/torch').mkdir(parents=True)
    (sentence,) = pypi_ros.machine.missing(tmp_path, with_ros=True, flight=True)
    assert 'holds the full environment' in sentence


@pytest.mark.parametrize('version', [(3, 9), (3, 14)])
def test_an_unsupported_python_is_named(pypi_ros, monkeypatch, tmp_path, version):
    monkeypatch.setattr(sys, 'version_info', Version(*version, 0, 'final', 0))
    sentences = pypi_ros.machine.missing(tmp_path, with_ros=True)
    assert any(f'Python {version[0]}.{version[1]} is not supported' in one for one in sentences)


def test_a_sourced_ros_is_seen(pypi_ros, monkeypatch):
    monkeypatch.delenv('ROS_DISTRO', raising=False)
    assert not pypi_ros.machine.has_ros()
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    monkeypatch.setenv('AMENT_PREFIX_PATH', '/opt/ros/jazzy')
    assert pypi_ros.machine.has_ros()


def test_mending_targets_leaves_the_cached_file_as_it_was(pypi_ros, tmp_path):
    cached = tmp_path / 'cached.cmake'
    cached.write_text(
        'set(i "/opt/python/cp311-cp311/include/python3.11;'
        '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include")'
    )
    before = cached.read_text()
    installed = tmp_path / 'share' / 'sensor_msgs' / 'cmake' / 'export.cmake'
    installed.parent.mkdir(parents=True)
    os.link(cached, installed)
    mended = pypi_ros.environment.mend_cmake_targets(tmp_path, python=sys.executable)
    assert mended == 1
    assert '/opt/python' not in installed.read_text()
    assert cached.read_text() == before
    assert pypi_ros.environment.mend_cmake_targets(tmp_path, python=sys.executable) == 0


def test_every_python_has_pins_for_all_that_is_required(pypi_ros):
    for version in ('3.10', '3.11', '3.12', '3.13'):
        pinned = {
            line.split('==')[0].lower()
            for name in pypi_ros.environment.pins_of(version)
            for line in (HERE / 'pins' / name).read_text().splitlines()
            if '==' in line
        }
        for line in required():
            wanted = re.split(r'[\[=<>!~;# ]', line.strip().lower())[0]
            wanted = re.sub('[._]', '-', wanted)
            # ultralytics brings the one with windows, which is the same OpenCV.
            known = {'', 'roof-detector', 'opencv-python-headless', *pinned}
            assert wanted in known, f'{wanted} is not pinned for {version}'


def test_the_light_set_is_pinned_for_both_processors_and_holds_no_torch(pypi_ros):
    lines = pypi_ros.environment.FLIGHT_PINS.read_text().splitlines()
    pins = {line.split('==')[0]: line for line in lines if '==' in line}
    assert "platform_machine == 'x86_64'" in pins['openvino']
    assert "platform_machine != 'x86_64'" in pins['onnxruntime']
    assert {'numpy', 'opencv-python-headless', 'av', 'mcap', 'pyproj'} <= set(pins)
    assert not {'torch', 'ultralytics', 'scipy', 'opencv-python', 'onnx', 'nncf'} & set(pins)
    for version in ('3.10', '3.11', '3.12', '3.13'):
        ros = pypi_ros.environment.PINS / pypi_ros.environment.flight_ros_pins(version)
        assert 'ros-rclpy==' in ros.read_text()


def test_lightening_removes_what_is_named_and_says_how_much(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    import lighten

    packages = tmp_path / 'lib/python3.12/site-packages'
    unused = packages / 'openvino/libs/libopenvino_intel_gpu_plugin.so'
    tests = packages / 'numpy/linalg/tests/test_linalg.py'
    used = packages / 'openvino/libs/libopenvino_intel_cpu_plugin.so'
    other = packages / 'mine/tests/test_mine.py'
    for path in (unused, tests, used, other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'0' * 1000)
    assert lighten.lighten(tmp_path) == 2000
    assert used.exists() and other.exists()
    assert not unused.exists() and not tests.parent.exists()
    assert lighten.lighten(tmp_path) == 0


def required():
    """Return the requirements of the package, its extras, and ROS."""
    project = PROJECT.read_text()
    tables = re.findall(r'^(?:dependencies|\w+) = \[\n(.*?)^\]', project, re.MULTILINE | re.DOTALL)
    quoted = [one for table in tables for one in re.findall(r'^  "([^"]+)"', table, re.MULTILINE)]
    assert any(one.startswith('ultralytics') for one in quoted)
    assert any(one.startswith('pytest') for one in quoted)
    return [*quoted, *(HERE / 'ros.in').read_text().splitlines()]


@pytest.mark.parametrize('path', sorted((HERE / 'pins').glob('*.txt')), ids=lambda path: path.name)
def test_every_pin_has_a_hash(path):
    lines = path.read_text().splitlines()
    pins = [number for number, line in enumerate(lines) if '==' in line]
    assert pins
    for number in pins:
        assert '--hash=sha256:' in lines[number + 1], lines[number]


def test_a_wheel_of_another_content_is_not_installed(pypi_ros, tmp_path):
    wheel = tmp_path / 'harmless-1.0-py3-none-any.whl'
    with zipfile.ZipFile(wheel, 'w') as archive:
        archive.writestr('harmless.py', '')
        archive.writestr('harmless-1.0.dist-info/METADATA', 'Name: harmless\nVersion: 1.0\n')
        archive.writestr('harmless-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\nTag: py3-none-any\n')
        archive.writestr('harmless-1.0.dist-info/RECORD', '')
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    pins = tmp_path / 'pins.txt'
    source = ('--no-index', '--offline', '--no-cache', '--find-links', str(tmp_path))

    pins.write_text(f'harmless==1.0 --hash=sha256:{digest}\n')
    wanted = tmp_path / 'wanted'
    pypi_ros.environment.install_pinned(
        [pins], *source, '--target', str(wanted), python=sys.executable
    )
    assert (wanted / 'harmless.py').exists()

    pins.write_text(f'harmless==1.0 --hash=sha256:{"0" * 64}\n')
    refused = tmp_path / 'refused'
    with pytest.raises(subprocess.CalledProcessError):
        pypi_ros.environment.install_pinned(
            [pins], *source, '--target', str(refused), python=sys.executable
        )
    assert not (refused / 'harmless.py').exists()
