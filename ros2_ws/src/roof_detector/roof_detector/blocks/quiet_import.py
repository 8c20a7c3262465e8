# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The import of ultralytics, offline, silent and without side effects; it comes first here.

A robot has no internet. With these defaults ultralytics sends no events, looks for no updates and
installs no packages, not even the one a checkpoint names. Set a variable yourself to override it.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import Final

ULTRALYTICS_DEFAULTS: Final = MappingProxyType(
    {
        'YOLO_OFFLINE': '1',  # no update check, analytics or downloads
        'YOLO_AUTOINSTALL': 'false',  # never pip install what a checkpoint names
        'YOLO_VERBOSE': 'false',
    }
)


def import_first() -> None:
    """Import ultralytics, unless it is imported already, and undo what its import changes.

    It sets OMP_NUM_THREADS to 1, which would slow torch down fourfold on four cores, turns
    OpenCV's threads off, reformats how arrays are printed, and lets Pillow ask for a package when
    it cannot read an image.
    """
    if 'ultralytics' in sys.modules:
        _give_pillow_back()
        return
    import cv2  # noqa: PLC0415  (nothing is needed when somebody else came first)
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415  (before ultralytics, so that it takes its own number of threads)

    for name, value in ULTRALYTICS_DEFAULTS.items():
        os.environ.setdefault(name, value)
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
    _give_pillow_back()
    ultralytics.settings.update(sync=False)


def _give_pillow_back() -> None:
    """Restore Pillow's own error for unreadable images after an earlier import."""
    from PIL import Image  # noqa: PLC0415

    patches = importlib.import_module('ultralytics.utils.patches')
    Image.open = patches._image_open


def _private_config_dir() -> str:
    """Create a folder for ultralytics' settings that is removed with this process.

    It looks for a font there and asks GitHub for one if it is missing, so it finds matplotlib's.
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


import_first()
