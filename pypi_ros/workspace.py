# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The colcon workspaces: vision_msgs where ROS has none, and the package itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNDERLAY = ROOT / 'pypi_ros' / 'underlay'
WORKSPACE = ROOT / 'ros2_ws'


def build_underlay(venv: Path) -> bool:
    """Build the vision_msgs package; return False when it is built already."""
    messages = ROOT / 'ros2_ws/src/roof_detector/roof_detector/bags/definitions/vision_msgs/msg'
    newest = max(path.stat().st_mtime for path in messages.glob('*.msg'))
    built = UNDERLAY / 'install' / 'vision_msgs' / 'share' / 'vision_msgs' / 'package.xml'
    if built.exists() and built.stat().st_mtime >= newest and _same_environment(venv):
        return False
    UNDERLAY.mkdir(exist_ok=True)
    _colcon(
        venv,
        UNDERLAY,
        '--base-paths', str(ROOT / 'pypi_ros' / 'vision_msgs'),
        '--cmake-clean-cache',
        '--cmake-args', '-DBUILD_TESTING=OFF',
    )  # fmt: skip
    built.touch()
    (UNDERLAY / 'environment').write_text(_environment_name(venv))
    return True


def build_package(venv: Path) -> None:
    """Build roof_detector; files are linked, so a change in the source needs no new build."""
    _colcon(venv, WORKSPACE, '--symlink-install')
    command = WORKSPACE / 'install' / 'roof_detector' / 'lib' / 'roof_detector' / 'roof_detector'
    link = venv / 'bin' / 'roof_detector'
    link.unlink(missing_ok=True)
    link.symlink_to(command)


def _colcon(venv: Path, folder: Path, *options: str) -> None:
    """Run `colcon build` in a workspace, in the environment that env.bash makes."""
    script = 'source "$0" && cd "$1" && shift && exec "$@"'
    environment = ROOT / 'pypi_ros' / 'env.bash'
    build = [str(venv / 'bin' / 'python'), '-m', 'colcon', 'build', *options]
    quiet = ['--event-handlers', 'console_cohesion-', 'console_stderr-', 'status-']
    result = subprocess.run(
        ['bash', '-c', script, str(environment), str(folder), *build, *quiet],
        env={**os.environ, 'ROOF_DETECTOR_VENV': str(venv)},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        log = folder / 'log' / 'latest_build'
        msg = (
            f'colcon could not build {folder}, its logs are in {log}:\n'
            f'{result.stdout}{result.stderr}'
        )
        raise SystemExit(msg)


def _same_environment(venv: Path) -> bool:
    note = UNDERLAY / 'environment'
    return note.exists() and note.read_text() == _environment_name(venv)


def _environment_name(venv: Path) -> str:
    return f'{venv.resolve()} {(venv / "bin" / "python").resolve()}'
