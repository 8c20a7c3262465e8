# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The work beside a network in flight: the node's own intake, and other processes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from roof_detector.vision.letterbox import Letterbox, letterbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

# A camera's rate, of which the node takes and copies every image.
_INTAKE_HZ = 30.0
# It ends with its parent, however that ends.
_BUSY = 'import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n sum(range(100000))'


@contextlib.contextmanager
def busy_neighbour() -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that computes all the time."""
    busy = subprocess.Popen([sys.executable, '-S', '-c', _BUSY])
    try:
        yield busy
    finally:
        busy.kill()
        busy.wait()


class Intake:
    """A thread that copies and letterboxes an image 30 times a second, as a running node does.

    Between `with` and its end. `cpu_s` is its own CPU time so far.
    """

    def __init__(self, image_bgr: npt.NDArray[np.uint8], geometry: Letterbox) -> None:
        self.cpu_s = 0.0
        self._image_bgr, self._geometry = image_bgr, geometry
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name='intake', daemon=True)

    def __enter__(self) -> Intake:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(1 / _INTAKE_HZ):
            letterbox(self._image_bgr.copy(), self._geometry)
            self.cpu_s = time.thread_time()
