# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images and units name what is there; Docker itself is run by the workflow alone."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[4]
PACKAGE = ROOT / 'ros2_ws' / 'src' / 'roof_detector'
DOCKERFILES = sorted((ROOT / 'docker').glob('*.Dockerfile'))
UNITS = sorted((ROOT / 'systemd').glob('*.service'))
HOME = '/opt/roof_detector'
INSTRUCTIONS = {
    *('ARG', 'FROM', 'RUN', 'COPY', 'WORKDIR', 'SHELL', 'ENV', 'USER', 'VOLUME'),
    *('EXPOSE', 'ENTRYPOINT', 'CMD'),
}


def instructions(path):
    """Return (instruction, rest) of a Dockerfile, comments gone and lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith('#')]
    text = re.sub(r'\\\n', ' ', '\n'.join(lines))
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize('path', DOCKERFILES, ids=lambda path: path.stem)
def test_a_dockerfile_is_well_formed_and_copies_and_starts_what_is_there(path):
    found = instructions(path)
    assert {name for name, _ in found} <= INSTRUCTIONS
    assert next(name for name, _ in found if name != 'ARG') == 'FROM'
    assert ('COPY', f'. {HOME}') in found
    users = [rest for name, rest in found if name == 'USER']
    assert users == ['roof_detector'], 'nothing runs as root'
    for name, rest in found:
        if name in ('ENTRYPOINT', 'CMD', 'SHELL'):
            words = json.loads(rest)
            assert all(isinstance(word, str) for word in words)
        if name == 'ENTRYPOINT':
            script = ROOT / Path(words[0]).relative_to(HOME)
            assert os.access(script, os.X_OK), script
        if name == 'CMD':
            assert (PACKAGE / 'launch' / words[3]).exists()
        if name == 'RUN':
            assert shlex.split(rest)
            checked = subprocess.run(['bash', '-n', '-c', rest], capture_output=True, check=False)
            assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize('path', DOCKERFILES, ids=lambda path: path.stem)
def test_an_image_installs_every_message_package_that_the_nodes_need(path):
    text = path.read_text()
    root = ElementTree.parse(PACKAGE / 'package.xml').getroot()
    needed = {one.text for one in root.findall('exec_depend')}
    # What `ros-base` itself depends on.
    base = {
        'builtin_interfaces',
        'geometry_msgs',
        'lifecycle_msgs',
        'rcl_interfaces',
        'sensor_msgs',
    }
    base |= {'rosgraph_msgs', 'std_msgs', 'tf2_msgs'}
    messages = {one for one in needed if one.endswith(('_msgs', '_interfaces'))} - base
    for name in messages | {'cv_bridge', 'rmw_fastrtps_cpp'}:
        assert re.search(rf'ros-(\$\{{ROS_DISTRO\}}|humble)-{name.replace("_", "-")}\b', text), (
            name
        )


def test_what_an_image_leaves_out_is_not_what_it_needs():
    ignored = (ROOT / '.dockerignore').read_text().split()
    for needed in ('pypi_ros', 'ros2_ws', 'docs', 'Makefile', 'docker', 'README.md'):
        assert needed not in ignored


def test_the_workflow_builds_every_image():
    workflow = yaml.safe_load((ROOT / '.github/workflows/docker.yml').read_text())
    matrix = workflow['jobs']['image']['strategy']['matrix']['include']
    built = {one['image'] for one in matrix}
    assert built == {path.stem for path in DOCKERFILES}
    flight = {one['platform'] for one in matrix if one['image'] == 'flight'}
    assert flight == {'linux/amd64', 'linux/arm64'}


def placed(tmp_path, unit):
    """Return a copy of a unit that finds this checkout in place of the installed one."""
    copy = tmp_path / unit.name
    text = unit.read_text().replace(HOME, str(ROOT)).replace('User=roof_detector', 'User=root')
    copy.write_text(text)
    return copy


@pytest.mark.parametrize('unit', UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_a_launch_file_with_arguments_that_it_has(unit):
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str
    parsed.read_string(unit.read_text())
    words = shlex.split(parsed['Service']['ExecStart'])
    assert words[1:4] == ['ros2', 'launch', 'roof_detector']
    launch = PACKAGE / 'launch' / words[4]
    assert launch.exists()
    known = (PACKAGE / 'roof_detector').rglob('*_parameters.py')
    text = ''.join(path.read_text() for path in known)
    text += (PACKAGE / 'roof_detector/launching/jobs.py').read_text()
    for word in words[5:]:
        if not word.startswith('$'):
            assert f"'{word.split(':=')[0]}'" in text, word
    assert parsed['Service']['KillSignal'] == 'SIGINT'
    assert parsed['Service']['Restart'] == 'always'


@pytest.mark.skipif(shutil.which('systemd-analyze') is None, reason='systemd is not installed')
def test_systemd_accepts_the_units(tmp_path):
    copies = [str(placed(tmp_path, unit)) for unit in UNITS]
    done = subprocess.run(
        ['systemd-analyze', 'verify', '--man=no', *copies],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if 'roof_detector' in line]
    assert not ours, done.stderr
