# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The server process that reads foreign checkpoints, each in a child that the kernel confines.

Importing torch takes seconds, so trusted code does it once. Each reading is a fork of this process
that first gives up everything it will not need, see confinement.py, and then opens the file. This
process never does.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from roof_detector.inference.importing.confinement import SECCOMP, confine, name_what_is_tried
from roof_detector.inference.importing.limits import Limits
from roof_detector.inference.importing.system_call_filter import load_libseccomp
from roof_detector.inference.importing.system_calls import die_with_parent, leave_network

HANDLES = 6
MOST_REQUEST_BYTES = 65536
STOP = b'stop'
IDLE_S = 30.0  # an idle reader frees its memory


def serve(descriptor: int, readable: list[str], *, with_timm: bool) -> None:
    """Serve requests on a socket until it is closed, or idle for a while."""
    spaces = leave_network()
    from roof_detector.inference.importing import checkpoint_reading  # noqa: PLC0415

    checkpoint_reading.prepare(with_timm=with_timm)
    filters = load_libseccomp()
    with socket.socket(fileno=descriptor) as connection:
        connection.send(json.dumps({'ready': spaces}).encode())
        while _becomes_readable(connection, IDLE_S):
            message, handles, _, _ = socket.recv_fds(connection, MOST_REQUEST_BYTES, HANDLES)
            if not message:
                return
            if message == STOP:  # of a child that had just ended
                continue
            child = os.fork()
            if not child:
                _read(
                    checkpoint_reading,
                    checkpoint_reading.Handles(*handles),
                    request=json.loads(message),
                    readable=[Path(one) for one in readable],
                    filters=filters,
                )
            for handle in handles:
                os.close(handle)
            _end_with(child, connection)
            _, status, usage = os.wait4(child, 0)
            answer = {'status': status, 'peak_kib': usage.ru_maxrss, 'cpu_s': usage.ru_utime}
            connection.send(json.dumps(answer).encode())


def _becomes_readable(connection: socket.socket, timeout_s: float) -> bool:
    return bool(select.select([connection], [], [], timeout_s)[0])


def _end_with(child: int, connection: socket.socket) -> None:
    """Wait for a child, and kill it if the client stops or disappears."""
    handle = os.pidfd_open(child)
    try:
        # The client sends nothing during a request: readable data means its end.
        watched: list[int] = [handle, connection.fileno()]
        ready, _, _ = select.select(watched, [], [])
        if handle not in ready:
            os.kill(child, signal.SIGKILL)
            connection.recv(MOST_REQUEST_BYTES)
    finally:
        os.close(handle)


def _read(
    reading: Any,
    handles: Any,
    *,
    request: dict[str, Any],
    readable: list[Path],
    filters: Any,
) -> NoReturn:
    """Confine this process, then read one checkpoint, and end."""
    status = 1
    try:
        die_with_parent()
        limits = Limits(**request['limits'])
        _close_all_but(handles)
        walls = confine(limits, readable=readable, filters=filters)
        if SECCOMP not in walls and not request['trust']:
            _report(handles, {'unconfined': walls})
        else:
            name_what_is_tried()
            reading.read_checkpoint(handles, with_state=request['with_state'])
        status = 0
    except BaseException as error:
        _report(handles, {'error': _describe(error)})
    finally:
        os._exit(status)


def _close_all_but(handles: Any) -> None:
    """Close everything except the files of this reading, the socket above all."""
    kept = sorted(asdict(handles).values())
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    last = 2
    for one in kept:
        os.closerange(last + 1, one)
        last = one
    os.closerange(last + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _report(handles: Any, report: dict[str, Any]) -> None:
    os.lseek(handles.facts, 0, os.SEEK_SET)
    os.write(handles.facts, json.dumps(report).encode())


def _describe(error: BaseException) -> list[str]:
    """Return the classes of an error and its first line."""
    try:
        text = str(error).split('\n', maxsplit=1)[0][:300]
    except BaseException:
        text = ''
    return [*(one.__name__ for one in type(error).__mro__[:6]), text]


def main() -> None:
    """Run the server with the arguments of its parent."""
    sys.dont_write_bytecode = True
    given = json.loads(sys.argv[1])
    serve(given['socket'], given['readable'], with_timm=given['with_timm'])
