# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Run a real node whose threads can be killed or hung by commands on standard input.

    python -m benchmarks.campaign.faulty_node roof_detector.ros.detector.detector_node [arguments]

`kill annotation` raises SystemExit in the thread of that name wherever it is; `hang annotation`
has it wait there for a minute. The main thread is called executor.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
import threading
import time


class _Hang(BaseException):
    def __init__(self) -> None:
        time.sleep(60)


def main() -> None:
    """Execute the commands on standard input while the node runs."""
    module, sys.argv = sys.argv[1], sys.argv[1:]
    threading.Thread(target=_obey, daemon=True, name='orders').start()
    importlib.import_module(module).main()


def _obey() -> None:
    for line in sys.stdin:
        order, _, name = line.strip().partition(' ')
        failure = {'kill': SystemExit, 'hang': _Hang}[order]
        name = {'executor': 'MainThread'}.get(name, name)
        for thread in reversed(threading.enumerate()):  # the newest of a name is the one in use
            if thread.name == name and thread.ident is not None:
                raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
                raise_in(ctypes.c_ulong(thread.ident), ctypes.py_object(failure))
                break


if __name__ == '__main__':
    main()
