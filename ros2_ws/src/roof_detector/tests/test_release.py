# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What is released: one version, a wheel that holds everything, and its dependencies."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email.parser import HeaderParser
from importlib.metadata import packages_distributions
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import roof_detector
from roof_detector import __version__

ROOT = Path(__file__).parents[4]
PACKAGE = Path(__file__).parents[1]
# In the sources of ROS, not on PyPI: package.xml names their packages.
OF_ROS = {'ament_index_python', 'cv_bridge', 'launch', 'launch_ros', 'rclpy', 'vision_msgs'}
# Looked for where a machine has them, and done without elsewhere; compression is Python 3.14's.
OPTIONAL = {'compression', 'tensorrt', 'triton'}


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """Build the wheel as `pip install .` does in the root, from a copy without its tests."""
    copy = tmp_path_factory.mktemp('copy')
    shutil.copytree(
        PACKAGE,
        copy / PACKAGE.relative_to(ROOT),
        ignore=shutil.ignore_patterns('tests', '__pycache__', 'build', '*.egg-info'),
    )
    backend = copy / 'pypi_ros'
    backend.mkdir()
    shutil.copy(ROOT / 'pypi_ros' / 'package_build.py', backend)
    code = 'import sys, package_build; package_build.build_wheel(sys.argv[1])'
    subprocess.run(
        [sys.executable, '-c', code, str(copy)],
        cwd=copy,
        env={'PYTHONPATH': str(backend), 'PATH': str(Path(sys.executable).parent)},
        check=True,
        capture_output=True,
        timeout=300,
    )
    (path,) = copy.glob('*.whl')
    with zipfile.ZipFile(path) as archive:
        yield archive


def text_of(wheel, name):
    return wheel.read(f'roof_detector-{__version__}.dist-info/{name}').decode()


def test_every_place_names_the_same_version(wheel):
    root = ElementTree.parse(PACKAGE / 'package.xml').getroot()
    assert root.findtext('version') == __version__
    newest = re.search(r'^(\d+\.\d+\.\d+)$', (ROOT / 'CHANGELOG.rst').read_text(), re.MULTILINE)
    assert newest[1] == __version__
    assert HeaderParser().parsestr(text_of(wheel, 'METADATA'))['Version'] == __version__


def test_the_wheel_holds_every_file_of_both_packages(wheel):
    packed = set(wheel.namelist())
    for package in ('roof_detector', 'training'):
        files = {
            path.relative_to(PACKAGE).as_posix()
            for path in (PACKAGE / package).rglob('*')
            if path.is_file() and '__pycache__' not in path.parts
        }
        assert files and files <= packed
    assert not [name for name in packed if 'tests/' in name or name.startswith('launch/')]


def test_the_wheel_holds_what_ros_looks_for(wheel):
    shared = f'roof_detector-{__version__}.data/data/share/'
    packed = {n.removeprefix(shared) for n in wheel.namelist() if n.startswith(shared)}
    expected = {
        f'roof_detector/{path.relative_to(PACKAGE).as_posix()}'
        for folder in ('launch', 'config')
        for path in (PACKAGE / folder).iterdir()
        if path.is_file()
    }
    expected |= {'roof_detector/package.xml', 'roof_detector/pyproject.toml'}
    assert packed == expected | {'ament_index/resource_index/packages/roof_detector'}


def test_every_command_is_a_function_in_the_wheel(wheel):
    points = ConfigParser()
    points.read_string(text_of(wheel, 'entry_points.txt'))
    commands = dict(points['console_scripts'])
    assert set(commands) == {
        'roof_detector',
        'detector',
        'camera',
        'simulated_flight',
        'recorder',
        'inspector',
        'station',
    }
    for point in commands.values():
        module, function = point.split(':')
        tree = ast.parse(wheel.read(f'{module.replace(".", "/")}.py'))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_command_tells_its_version():
    finished = subprocess.run(
        [sys.executable, '-m', 'roof_detector.cli.main', '--version'],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert finished.stdout == f'roof_detector {__version__}\n'


def test_the_python_interface_opens_a_shipped_model_by_its_name():
    detector, thresholds, detections = (
        getattr(roof_detector, name) for name in ('Detector', 'Thresholds', 'Detections')
    )
    with detector.open('roof_anomalies', device='cpu') as opened:
        found = opened.detect(np.zeros((64, 96, 3), np.uint8), thresholds())
    assert isinstance(found, detections) and len(found) == 0
    with pytest.raises(AttributeError, match='offers Detections, Detector, Thresholds'):
        _ = roof_detector.Detektor


def required(wheel, *extras):
    """Return the names of the distributions that the wheel asks for with these extras."""
    names = set()
    for line in HeaderParser().parsestr(text_of(wheel, 'METADATA')).get_all('Requires-Dist'):
        extra = re.search(r'extra == "(\w+)"', line)
        if extra is None or extra[1] in extras:
            names.add(re.match(r'[\w.-]+', line)[0].lower().replace('_', '-'))
    return names


def imported(folder):
    """Return the packages of others that a folder's files import."""
    names = set()
    for path in folder.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.partition('.')[0])
    ours = {'roof_detector', 'training'}
    messages = {name for name in names if name.endswith(('_msgs', '_srvs', '_interfaces'))}
    return names - ours - messages - OF_ROS - OPTIONAL - set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ('folder', 'extras'),
    [
        ('roof_detector', ('flight', 'ground', 'fleet', 'signing', 'torch')),
        ('training', ('training', 'flight', 'ground', 'torch')),
    ],
)
def test_what_is_imported_is_asked_for(wheel, folder, extras):
    wanted = required(wheel, *extras)
    homes = packages_distributions()
    for name in imported(PACKAGE / folder):
        distributions = {home.lower().replace('_', '-') for home in homes.get(name, [name])}
        assert distributions & wanted, f'{folder} imports {name} of {distributions}'
