# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one place that imports ultralytics: offline, silent and without side effects."""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np


def import_quietly(name: str = 'ultralytics') -> ModuleType:
    """Import ultralytics or one of its modules without network, files at home or changed threads.

    Its import reads the settings from the environment, sets OMP_NUM_THREADS to 1, which would
    slow torch down fourfold on four cores, turns OpenCV's threads off and reformats how arrays
    are printed; all of that is undone here.
    """
    if 'ultralytics' not in sys.modules:
        _import_first()
    return importlib.import_module(name)


def _import_first() -> None:
    import torch  # noqa: PLC0415  (before ultralytics, so that it takes its own number of threads)

    os.environ.setdefault('YOLO_OFFLINE', 'true')  # no update check, analytics or downloads
    os.environ.setdefault('YOLO_AUTOINSTALL', 'false')  # never pip install what a checkpoint names
    os.environ.setdefault('YOLO_VERBOSE', 'false')
    if 'YOLO_CONFIG_DIR' not in os.environ:
        os.environ['YOLO_CONFIG_DIR'] = _private_config_dir()
    omp_threads = os.environ.get('OMP_NUM_THREADS')
    cv2_threads, torch_threads = cv2.getNumThreads(), torch.get_num_threads()
    print_options = np.get_printoptions()

    ultralytics = importlib.import_module('ultralytics')

    if omp_threads is None:
        os.environ.pop('OMP_NUM_THREADS', None)
    cv2.setNumThreads(cv2_threads)
    torch.set_num_threads(torch_threads)
    torch.set_printoptions(profile='default')
    np.set_printoptions(**print_options)
    ultralytics.settings.update(sync=False)


def _private_config_dir() -> str:
    """Make a folder for ultralytics' settings that dies with this process.

    It looks for a font there and asks GitHub for one when it is absent, so it finds matplotlib's.
    """
    folder = Path(tempfile.mkdtemp(prefix='roof_detector-ultralytics-'))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    spec = importlib.util.find_spec('matplotlib')
    if spec is not None and spec.origin is not None:
        font = Path(spec.origin).parent / 'mpl-data' / 'fonts' / 'ttf' / 'DejaVuSans.ttf'
        if font.is_file():
            (folder / 'Ultralytics').mkdir()
            for name in ('Arial.ttf', 'Arial.Unicode.ttf'):
                shutil.copyfile(font, folder / 'Ultralytics' / name)
    return str(folder)
