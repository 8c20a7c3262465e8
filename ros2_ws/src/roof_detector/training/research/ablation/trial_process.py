# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A trial in a process of its own, so that its failure never affects the others."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from training.interruption import Interrupted, StopRequest
from training.research.ablation.trial_result import TrialResult, read_failure, write_failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from training.research.ablation.plan import Trial

LOG = 'log.txt'
_POLL_S = 0.2
_LINES_SHOWN = 2  # of an error, enough for a summary and its first item
# Processes are forked from one that has imported torch and done nothing else with it. Counting
# operations imports torch._dynamo, which takes seconds.
_CONTEXT = multiprocessing.get_context('forkserver')
_CONTEXT.set_forkserver_preload(['training.research.ablation.trial_run', 'torch._dynamo'])


def run_apart(
    trial: Trial, *, stop: StopRequest, watch: Callable[[], None] = lambda: None
) -> TrialResult | str:
    """Run a trial and return its result, or why it failed; `watch` is called regularly.

    Its output goes to log.txt in its folder. Raises Interrupted on a signal to stop;
    the trial has then kept what is needed to go on.
    """
    trial.folder.mkdir(parents=True, exist_ok=True)
    (trial.folder / 'failure.json').unlink(missing_ok=True)
    process = _CONTEXT.Process(target=_child, args=(trial,))
    process.start()
    asked = False
    while process.is_alive():
        process.join(_POLL_S)
        watch()
        if stop.made and not asked:
            asked = True
            process.terminate()
    stop.raise_if_made()
    result = TrialResult.read(trial.folder) if process.exitcode == 0 else None
    if result is not None:
        return result
    reason = read_failure(trial.folder) or _ending(process.exitcode, trial.folder)
    write_failure(trial.folder, reason)
    return reason


def _child(trial: Trial) -> None:
    log = os.open(trial.folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    print(time.strftime('%Y-%m-%d %H:%M:%S'), flush=True)  # noqa: T201
    logger = logging.getLogger('ultralytics')  # was imported quietly
    logger.setLevel(logging.INFO)
    for handler in logger.handlers:
        handler.setLevel(logging.INFO)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        from training.research.ablation.trial_run import run_trial  # noqa: PLC0415  (in its own process)

        run_trial(trial)
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
    except Exception as error:  # of any kind: that is what this process is for
        traceback.print_exc()
        lines = str(error).split('\n')[:_LINES_SHOWN]
        said = ' '.join(line.strip() for line in lines)
        write_failure(trial.folder, f'{type(error).__name__}: {said}')
        sys.exit(1)


def _end_with_parent() -> None:
    """Ask this process to stop, as by SIGTERM, when its parent ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _ending(exit_code: int | None, folder: Path) -> str:
    how = f'exit code {exit_code}'
    if exit_code is not None and exit_code < 0:
        with contextlib.suppress(ValueError):
            how = signal.Signals(-exit_code).name
    hint = ', as when memory is full' if exit_code == -signal.SIGKILL else ''
    return f'The process ended by {how}{hint}; {folder / LOG} has its output.'
