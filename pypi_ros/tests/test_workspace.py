# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What is built for one Python is kept apart from what is built for another."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
PYTHONS = {'3.9': 'cp39', '3.12': 'cp312'}


@pytest.fixture
def workspace(monkeypatch):
    """Import the module as bootstrap.py does, from its own folder."""
    monkeypatch.syspath_prepend(str(HERE))
    import workspace

    return workspace


def make_venv(folder, version):
    """Lay out what env.bash looks for in an environment whose ROS came from PyPI."""
    (folder / f'lib/python{version}/site-packages').mkdir(parents=True)
    (folder / 'share/rclpy').mkdir(parents=True)
    (folder / 'share/rclpy/package.xml').touch()
    return folder


def make_built(folder):
    """Lay out a checkout in which both workspaces are built for every Python."""
    (folder / 'pypi_ros').mkdir(parents=True)
    shutil.copy(HERE / 'env.bash', folder / 'pypi_ros')
    for tag in PYTHONS.values():
        for name in (f'pypi_ros/underlay/{tag}/install', f'ros2_ws/install/{tag}'):
            setup = folder / name / 'local_setup.bash'
            setup.parent.mkdir(parents=True)
            setup.write_text(f'SOURCED="${{SOURCED:-}} {name}"\n')
    return folder


def sourced(folder, venv):
    done = subprocess.run(
        ['bash', '-euc', 'source "$0"; echo "$SOURCED"', str(folder / 'pypi_ros/env.bash')],
        env={'PATH': '/usr/bin:/bin', 'ROOF_DETECTOR_VENV': str(venv)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(('version', 'tag'), PYTHONS.items())
def test_the_environment_takes_what_was_built_for_its_python(tmp_path, version, tag):
    venv = make_venv(tmp_path / 'venv', version)
    folder = make_built(tmp_path / 'checkout')
    assert sourced(folder, venv) == [
        f'pypi_ros/underlay/{tag}/install',
        f'ros2_ws/install/{tag}',
    ]


def test_both_sides_name_a_python_alike(workspace, tmp_path):
    for version, tag in PYTHONS.items():
        assert workspace.python_tag(make_venv(tmp_path / version, version)) == tag


@pytest.fixture
def built(workspace, monkeypatch, tmp_path):
    """Return what was built, as (folder, packages); compiling would take a minute each."""
    built = []

    def colcon(_, folder, *options):
        begin = options.index('--packages-select') + 1
        names = [name for name in workspace.MESSAGE_PACKAGES if name in options[begin:]]
        for name in names:
            package = folder / 'install' / name / 'share' / name / 'package.xml'
            package.parent.mkdir(parents=True, exist_ok=True)
            package.touch()
        built.append((folder, names))

    monkeypatch.setattr(workspace, '_colcon', colcon)
    monkeypatch.setattr(workspace, 'UNDERLAYS', tmp_path / 'underlay')
    return built


def test_messages_of_each_python_are_built_once_into_a_folder_of_their_own(
    workspace, built, tmp_path
):
    venvs = [make_venv(tmp_path / version, version) for version in PYTHONS]
    every = list(workspace.MESSAGE_PACKAGES)
    assert [workspace.build_underlay(one) for one in venvs] == [True, True]
    assert built == [(tmp_path / 'underlay' / tag, every) for tag in PYTHONS.values()]
    assert [workspace.build_underlay(one) for one in venvs] == [False, False]


def test_an_environment_of_before_gets_the_packages_that_are_new_or_changed(
    workspace, built, tmp_path
):
    venv = make_venv(tmp_path / '3.12', '3.12')
    workspace.build_underlay(venv)
    built.clear()
    shares = tmp_path / 'underlay' / 'cp312' / 'install'
    shutil.rmtree(shares / 'nav_msgs')
    os.utime(shares / 'vision_msgs/share/vision_msgs/package.xml', (0, 0))
    assert workspace.build_underlay(venv)
    assert [names for _, names in built] == [['nav_msgs', 'vision_msgs']]
    assert not workspace.build_underlay(venv)


def test_every_message_package_has_its_definitions_and_says_what_they_use(workspace):
    for name, folder in workspace.MESSAGE_PACKAGES.items():
        used = set()
        for path in folder.glob('msg/*.msg'):
            used |= set(re.findall(r'^(\w+)/\w+', path.read_text(), re.MULTILINE)) - {name}
        package = (HERE / name / 'package.xml').read_text()
        assert set(re.findall(r'<depend>(\w+)</depend>', package)) == used
        assert used and all(one in (HERE / name / 'CMakeLists.txt').read_text() for one in used)
