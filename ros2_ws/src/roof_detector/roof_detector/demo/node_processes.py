# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs the nodes of a flight, each as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from roof_detector.demo.errors import FlightError
from roof_detector.security.policies import ENCLAVES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TIMEOUT_S = 20.0


class NodeProcesses:
    """Starts, checks and stops nodes; the output of each goes to a log file."""

    def __init__(self, log_folder: Path, *, environment: Mapping[str, str]) -> None:
        self._log_folder = log_folder
        self._environment = {**os.environ, **environment}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        log_folder.mkdir(parents=True, exist_ok=True)

    def start(
        self,
        name: str,
        parameters: Mapping[str, object],
        *,
        remappings: Mapping[str, str] | None = None,
        program: Sequence[str] | None = None,
    ) -> None:
        """Start a node, by default `roof_detector.ros.<name>.<name>_node`, its topics remapped.

        `program` replaces the node: the arguments for Python, a script or -m and a module.
        """
        role = {'simulated_flight': 'camera'}.get(name, name)
        program = program or ('-m', f'roof_detector.ros.{role}.{name}_node')
        arguments = ['--ros-args', '--enclave', f'{ENCLAVES}/{role}']
        for here, there in (remappings or {}).items():
            arguments += ['-r', f'{here}:={there}']
        for parameter, value in parameters.items():
            arguments += ['-p', f'{parameter}:={_yaml(value)}']
        with self.log(name).open('wb') as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, '-u', *program, *arguments],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C goes to the flight, which stops them in order
            )

    def log(self, name: str) -> Path:
        """Return the log file of a node."""
        return self._log_folder / f'{name}.log'

    def pid(self, name: str) -> int:
        """Return the id of a node's process."""
        return self._running[name].pid

    def ended(self, name: str) -> int | None:
        """Return a node's exit code, None while it runs."""
        return self._running[name].poll()

    def check(self, *names: str) -> None:
        """Raise FlightError with the last lines of the log of a node that ended unexpectedly."""
        for name in names:
            code = self.ended(name)
            if code is not None:
                msg = (
                    f'The {name} ended with code {code} before the flight was over. '
                    f'The end of its log ({self.log(name)}):\n{self._last_lines(name)}'
                )
                raise FlightError(msg)

    @staticmethod
    def _interrupt(process: subprocess.Popen[bytes]) -> int | None:
        """Interrupt a process; return its code, None if it does not end in time."""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            return process.wait(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, name: str) -> None:
        """Interrupt a node and wait for its end; raise FlightError if it fails."""
        process = self._running[name]
        code = self._interrupt(process)
        if code is None:
            # Python ignores an interrupt that comes while it runs a destructor: once more.
            code = self._interrupt(process)
        if code is None:
            process.kill()
            process.wait()
            msg = (
                f'The {name} did not stop within {2 * _TIMEOUT_S:.0f} s of being interrupted; '
                f'see {self.log(name)}.'
            )
            raise FlightError(msg)
        if code != 0:
            msg = (
                f'The {name} ended with code {code}. The end of its log ({self.log(name)}):\n'
                f'{self._last_lines(name)}'
            )
            raise FlightError(msg)

    def __enter__(self) -> NodeProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        for process in self._running.values():
            try:
                process.wait(timeout=_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _last_lines(self, name: str, *, lines: int = 12) -> str:
        text = self.log(name).read_text(errors='replace').rstrip().splitlines()
        return '\n'.join(f'  {line}' for line in text[-lines:])


def _yaml(value: object) -> str:
    """Return a value as YAML for rcl, with quoted strings, so that camera 0 stays a string."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, tuple | list):
        return '[' + ', '.join(_yaml(item) for item in value) + ']'
    return str(value)
