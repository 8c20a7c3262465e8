# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One training process per GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from training.errors import TrainingError

if TYPE_CHECKING:
    from training.interruption import StopRequest

_ROOT = Path(__file__).parents[2]


def is_one_of_several() -> bool:
    """Return whether `train_in_processes` started this process."""
    return 'LOCAL_RANK' in os.environ


def train_in_processes(
    command: list[str], *, count: int, stop: StopRequest, module: str = 'training.train'
) -> None:
    """Run a module with these arguments in as many processes as there are GPUs.

    Ultralytics would write a script that unpickles its trainer; here each process starts like a
    single one, so that our blocks are registered in the same way. Raises TrainingError if one
    fails, Interrupted on a signal.
    """
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get('PYTHONPATH'))))
    launcher = [
        *(sys.executable, '-m', 'torch.distributed.run', '--standalone'),
        *('--nproc_per_node', str(count), '-m', module),
    ]
    with subprocess.Popen([*launcher, *command], env={**os.environ, 'PYTHONPATH': path}) as group:
        forwarded = False
        while True:
            try:
                code = group.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                if stop.made and not forwarded:
                    group.terminate()  # it passes the signal on and waits for its processes
                    forwarded = True
    stop.raise_if_made()
    if code:
        msg = f'One of {count} training processes failed; its reason stands above.'
        raise TrainingError(msg)
