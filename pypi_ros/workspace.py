# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The colcon workspaces: message packages where ROS has none, and the package itself.

Each Python has folders of its own, such as underlay/cp312: compiled messages, and commands that
name their interpreter, serve one Python alone.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNDERLAYS = ROOT / 'pypi_ros' / 'underlay'
WORKSPACE = ROOT / 'ros2_ws'
# Where the definitions are: those that bags need without ROS too are shipped with the package.
_SHIPPED = ROOT / 'ros2_ws/src/roof_detector/roof_detector/bags/definitions'
MESSAGE_PACKAGES = {
    'ffmpeg_image_transport_msgs': _SHIPPED / 'ffmpeg_image_transport_msgs',
    'foxglove_msgs': _SHIPPED / 'foxglove_msgs',
    'nav_msgs': ROOT / 'pypi_ros' / 'nav_msgs',
    'vision_msgs': _SHIPPED / 'vision_msgs',
    'visualization_msgs': ROOT / 'pypi_ros' / 'visualization_msgs',
}


def build_underlay(venv: Path) -> bool:
    """Build the message packages; return False when all are built already.

    Those whose definitions are as they were are left as they are.
    """
    underlay = UNDERLAYS / python_tag(venv)
    note = underlay / 'environment'
    environment = f'{venv.resolve()} {(venv / "bin" / "python").resolve()}'
    is_same = note.exists() and note.read_text() == environment
    wanted = [name for name in MESSAGE_PACKAGES if not (is_same and _is_built(underlay, name))]
    if not wanted:
        return False
    underlay.mkdir(parents=True, exist_ok=True)
    _colcon(
        venv,
        underlay,
        '--base-paths', *(str(ROOT / 'pypi_ros' / name) for name in MESSAGE_PACKAGES),
        '--packages-select', *wanted,
        '--cmake-clean-cache',
        '--cmake-args', '-DBUILD_TESTING=OFF',
    )  # fmt: skip
    for name in wanted:
        _mark(underlay, name).touch()
    note.write_text(environment)
    return True


def build_package(venv: Path) -> None:
    """Build roof_detector; files are linked, so a change in the source needs no new build."""
    tag = python_tag(venv)
    bases = ('--build-base', f'build/{tag}', '--install-base', f'install/{tag}')
    _colcon(venv, WORKSPACE, *bases, '--symlink-install')
    installed = WORKSPACE / 'install' / tag / 'roof_detector'
    command = installed / 'lib' / 'roof_detector' / 'roof_detector'
    link = venv / 'bin' / 'roof_detector'
    link.unlink(missing_ok=True)
    link.symlink_to(command)


def python_tag(venv: Path) -> str:
    """Return the tag of an environment's Python, such as cp312; env.bash finds it alike."""
    (library,) = venv.glob('lib/python3.*')
    return f'cp3{library.name.removeprefix("python3.")}'


def _mark(underlay: Path, name: str) -> Path:
    return underlay / 'install' / name / 'share' / name / 'package.xml'


def _is_built(underlay: Path, name: str) -> bool:
    mark = _mark(underlay, name)
    newest = max(path.stat().st_mtime for path in MESSAGE_PACKAGES[name].glob('msg/*.msg'))
    return mark.exists() and mark.stat().st_mtime >= newest


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
