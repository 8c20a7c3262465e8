# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The record of a run inside its checkpoint, in plain values."""

from __future__ import annotations

import platform
import subprocess
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector import __version__

if TYPE_CHECKING:
    from roof_detector.inference.options import Task
    from training.train_config import TrainConfig

_PACKAGES = ('torch', 'ultralytics', 'numpy', 'opencv-python')


def begin_record(
    config: TrainConfig,
    *,
    names: tuple[str, ...],
    task: Task,
    data_hash: str,
    splits: dict[str, Any],
) -> dict[str, Any]:
    """Return the record of a run that begins now."""
    return {
        'config': config.as_plain(),
        'task': task,
        'class_names': list(names),
        'data': {'name': Path(config.data).name, 'hash': data_hash, 'splits': splits},
        'git': git_state(Path(__file__).parent),
        'versions': versions(),
        'seed': config.seed,
        'begun': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        'licence': 'AGPL-3.0-only',
    }


def git_state(folder: Path) -> dict[str, Any]:
    """Return the commit of the code and whether it was changed since."""
    commit = _git(folder, 'rev-parse', 'HEAD')
    if commit is None:
        return {'commit': 'unknown', 'dirty': None}
    return {'commit': commit, 'dirty': bool(_git(folder, 'status', '--porcelain', '-uno'))}


def versions() -> dict[str, str]:
    """Return the versions of packages that results depend on."""
    found = {'roof_detector': __version__, 'python': platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = 'unknown'
    return found


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ['git', '-C', str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
