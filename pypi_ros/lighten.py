# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Remove what no flight uses from a light environment: `python3 pypi_ros/lighten.py VENV`.

Wheels bring what other users need: OpenVINO's plugins for GPUs and readers of formats that are not
read here, tests, cascades of faces, and symbols for debuggers, which go where there is `strip`
(of binutils). `pip install --force-reinstall` brings all of it back.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

# By installed package: patterns below its folder. A model package holds ONNX, an export OpenVINO's
# own format, and both run on the CPU (backend_choice.py): other readers and plugins never load.
UNUSED = {
    'openvino': (
        'libs/libopenvino_intel_gpu_plugin.so',
        'libs/libopenvino_intel_npu_plugin.so',
        'libs/libopenvino_intel_npu_compiler*.so',
        'libs/cache.json',  # compiled kernels of the GPU plugin
        'libs/libopenvino_gguf_frontend.so*',
        'libs/libopenvino_jax_frontend.so*',
        'libs/libopenvino_paddle_frontend.so*',
        'libs/libopenvino_pytorch_frontend.so*',
        'libs/libopenvino_tensorflow_frontend.so*',
        'libs/libopenvino_tensorflow_lite_frontend.so*',
        'include',
    ),
    'cv2': ('data/*.xml',),
    'numpy': ('**/tests',),
    'shapely': ('tests',),
    'zstandard': ('_cffi.*.so',),  # for PyPy; CPython takes backend_c
}
# Whose modules have symbols for debuggers, 57 MB of them.
WITH_SYMBOLS = ('PIL', 'apsw', 'av', 'cryptography', 'lz4', 'pyproj', 'yaml', 'zstandard')
# Writes which of the files that it is given can be loaded.
LOAD = """
import ctypes, sys
for path in sys.argv[1:]:
    try:
        ctypes.CDLL(path)
    except OSError:
        continue
    print(path)
"""
TOOLS = ('uv',)  # what only the installation needed


def lighten(venv: Path) -> int:
    """Remove it and return how many bytes became free."""
    freed = 0
    for packages in venv.glob('lib/python3.*/site-packages'):
        for package, patterns in UNUSED.items():
            for pattern in patterns:
                for path in sorted((packages / package).glob(pattern)):
                    freed += _size(path)
                    _remove(path)
        freed += _strip(venv, packages)
    for tool in TOOLS:
        for path in (*venv.glob(f'bin/{tool}'), *venv.glob(f'bin/{tool}x')):
            freed += _size(path)
            _remove(path)
    return freed


def _strip(venv: Path, packages: Path) -> int:
    """Take the symbols for debuggers out of modules; return how many bytes became free.

    A module is replaced only if it can still be loaded.
    """
    if shutil.which('strip') is None:
        return 0
    stripped: dict[str, Path] = {}
    for package in WITH_SYMBOLS:
        for path in sorted((packages / package).rglob('*.so')):
            copy = path.with_suffix('.stripped')
            command = ['strip', '--strip-unneeded', '-o', str(copy), str(path)]
            if not subprocess.run(command, capture_output=True, check=False).returncode:
                stripped[str(copy)] = path
    if not stripped:
        return 0
    python = str(venv / 'bin' / 'python')
    command = [python, '-c', LOAD, *stripped]
    loaded = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    freed = 0
    for name, path in stripped.items():
        smaller = path.stat().st_size - Path(name).stat().st_size
        if name in loaded.splitlines() and smaller > 0:
            freed += smaller
            Path(name).replace(path)
        else:
            Path(name).unlink()
    return freed


def megabytes(folder: Path) -> int:
    """Return what a folder takes, in MB of 10^6 bytes."""
    return round(_size(folder) / 1e6)


def _size(path: Path) -> int:
    if path.is_symlink():
        return 0
    if path.is_dir():
        return sum(_size(one) for one in path.iterdir())
    return path.stat().st_size


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def main() -> int:
    """Lighten the environment that is named; return the exit code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('venv', type=Path)
    venv = parser.parse_args().venv
    if not (venv / 'bin' / 'python').exists():
        print(f'{venv} is no virtual environment, expected a folder with bin/python in it.')
        return 1
    print(f'{lighten(venv) / 1e6:.0f} MB removed, {megabytes(venv)} MB remain in {venv}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
