# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Model files made to attack whoever opens them, and mutants of real ones.

Canaries are a folder, a listening socket on loopback and the processes of this one: no file may
appear, nobody connect, no process be left. Each try ends within 30 s with one sentence.
"""

from __future__ import annotations

import os
import pickle
import random
import shutil
import socket
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.campaign.result import CampaignOptions, Tally, run_campaign
from roof_detector.inference.errors import InferenceError
from roof_detector.inference.importing.imported_checkpoint import import_checkpoint
from roof_detector.inference.importing.tensor_file import check_tensor_file
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.shipped_weights import SHIPPED_WEIGHTS

_WITHIN_S = 30.0
_MUTANTS_S = 90.0  # for all mutants of a full run, as many as fit
_CODE = {
    'system': 'import os; os.system("touch {trap}")',
    'popen': 'import os; os.popen("touch {trap}").read()',
    'subprocess': 'import subprocess; subprocess.run(["touch", "{trap}"])',
    'spawn': 'import os; os.spawnv(0, "/usr/bin/touch", ["touch", "{trap}"])',
    'posix_spawn': 'import os; os.posix_spawn("/usr/bin/touch", ["touch", "{trap}"], dict())',
    'execv': 'import os; os.execv("/usr/bin/touch", ["touch", "{trap}"])',
    'fork': 'import os\nwhile 1: os.fork()',
    'multiprocessing': 'import multiprocessing as m; m.Process(target=print).start()',
    'pty': 'import pty; pty.spawn(["touch", "{trap}"])',
    'connect': 'import socket; socket.create_connection(("127.0.0.1", {port}))',
    'low connect': 'import _socket; _socket.socket().connect(("127.0.0.1", {port}))',
    'urllib': 'import urllib.request as u; u.urlopen("http://127.0.0.1:{port}/")',
    'abstract socket': 'import socket; socket.socket(socket.AF_UNIX).connect("\\0x")',
    'open': 'open("{trap}", "w")',
    'low open': 'import os; os.open("{trap}", 66)',
    'mkdir': 'import os; os.mkdir("{trap}")',
    'pathlib': 'import pathlib; pathlib.Path("{trap}").touch()',
    'numpy': 'import numpy; numpy.save("{trap}", 1)',
    'torch save': 'import torch; torch.save(1, "{trap}")',
    'symlink': 'import os; os.symlink("/etc/passwd", "{trap}")',
    'mkfifo': 'import os; os.mkfifo("{trap}")',
    'shutil': 'import shutil; shutil.copy("/etc/hostname", "{trap}")',
    'sqlite': 'import sqlite3; sqlite3.connect("{trap}").execute("create table a (b)")',
    'ctypes system': 'import ctypes; ctypes.CDLL(None).system(b"touch {trap}")',
    'ctypes creat': 'import ctypes; ctypes.CDLL(None).creat(b"{trap}", 511)',
    'runpy': 'import runpy; runpy.run_path("/etc/hostname")',
    'importlib': 'import importlib; importlib.import_module("os").mkdir("{trap}")',
    'operator': 'import operator as o, os; o.methodcaller("mkdir", "{trap}")(os)',
    'functools': 'import functools as f, os; f.partial(os.mkdir, "{trap}")()',
    'cpp extension': 'import torch.utils.cpp_extension as c; c.load_inline("a", "int a;")',
    'ultralytics': 'from ultralytics.utils.checks import check_requirements as c; c("x-y-z")',
    'kill parent': 'import os; os.kill(os.getppid(), 9)',
    'kill all': 'import os; os.kill(-1, 9)',
    'private file': 'open("/etc/shadow").read()',
    'thread': 'import threading; threading.Thread(target=print).start()',
    'disk': 'open("{trap}", "wb").write(bytes(10**9))',
    'loop': 'while True: pass',
    'loop in C': '7 ** 10**9',
    'sleep': 'import time; time.sleep(1000)',
    'memory': 'bytearray(2**45)',
    'memory by and by': 'a = []\nwhile 1: a.append(bytearray(10**7))',
    'recursion': 'import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()',
    'abort': 'import os; os.abort()',
    'exit': 'import os; os._exit(0)',
    'interrupt': 'raise KeyboardInterrupt',
    'signals': 'import signal; signal.pause()',
}
_QUICK = ('system', 'connect', 'open', 'ctypes system', 'fork', 'memory')


class _Calls:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


def attempt(options: CampaignOptions, tally: Tally) -> None:
    """Open every attack file, then mutants, and look after the canaries."""
    folder = Path(tempfile.mkdtemp(prefix='roof_detector-campaign-'))
    traps = folder / 'traps'
    traps.mkdir()
    longest_s = 0.0
    torch.save([], folder / 'first.pt')
    with suppress(InferenceError):  # starting the reader is not part of any try
        import_checkpoint(folder / 'first.pt', folder=folder)
    try:
        with socket.create_server(('127.0.0.1', 0)) as server:
            server.settimeout(0.0)
            port = server.getsockname()[1]
            for kind, read in _attacks(options, folder, traps / 'trap', port):
                longest_s = max(longest_s, _try(tally, kind, read, traps, server))
        tally.figures['attack_files'] = sum(tally.attempts.values())
        tally.figures['longest_s'] = round(longest_s, 1)
        _mutate(options, tally, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try(
    tally: Tally, kind: str, read: Callable[[], object], traps: Path, server: socket.socket
) -> float:
    began_s, problem = time.monotonic(), ''
    try:
        read()
        problem = 'was read'
    except InferenceError as error:
        if '\n' in str(error) or len(str(error)) > 1000:
            problem = f'is no sentence: {str(error)[:200]!r}'
    except BaseException as error:
        problem = f'ended in {type(error).__name__}: {error}'
    took_s = time.monotonic() - began_s
    if any(traps.iterdir()):
        problem = 'wrote a file'
    try:
        server.accept()[0].close()
        problem = 'opened a connection'
    except BlockingIOError:
        pass
    left = [
        one.pid
        for one in psutil.Process().children(recursive=True)
        if 'confined_server' not in ' '.join(one.cmdline())
    ]
    if left or took_s > _WITHIN_S:
        problem = problem or f'left {len(left)} processes after {took_s:.1f} s'
    tally.check(kind, problem, holds=not problem)
    return took_s


def _attacks(
    options: CampaignOptions, folder: Path, trap: Path, port: int
) -> Iterator[tuple[str, Callable[[], object]]]:
    for name, code in _CODE.items():
        if options.short and name not in _QUICK:
            continue
        path = folder / f'{name}.pt'
        text = code.replace('{trap}', str(trap)).replace('{port}', str(port))
        torch.save({'model': _Calls(exec, text)}, path, pickle_module=pickle)
        yield f'pickle: {name}', lambda path=path: import_checkpoint(path, folder=folder)
    nested: Any = ()
    for _ in range(60):
        nested = (nested, nested)
    path = folder / 'nested.pt'
    # As the key of a mapping it would be hashed 2**60 times.
    torch.save({'model': _Calls(hash, nested)}, path, pickle_module=pickle)
    if not options.short:
        yield 'pickle: nested', lambda: import_checkpoint(folder / 'nested.pt', folder=folder)
    tasks = import_quietly('ultralytics.nn.tasks')
    model = tasks.DetectionModel('yolo11n.yaml', nc=1, verbose=False)
    model.yaml['activation'] = f'__import__("os").mkdir({str(trap)!r})'
    torch.save({'model': model}, folder / 'activation.pt')
    yield (
        'architecture: activation',
        lambda: import_checkpoint(folder / 'activation.pt', folder=folder),
    )
    for name in ('../escape', '/tmp/escape', 'a/../../escape', 'manifest.json', 'link'):
        path = folder / f'package {len(name)}.zip'
        shutil.copyfile(SHIPPED_WEIGHTS / 'roofs.zip', path)
        entry = zipfile.ZipInfo(name)
        if name == 'link':
            entry.external_attr = 0o120777 << 16
        with zipfile.ZipFile(path, 'a') as archive:
            archive.writestr(entry, '/etc/passwd')
        yield f'package: {name}', lambda path=path: ModelPackage.open(path)
    bomb = folder / 'bomb.zip'
    with zipfile.ZipFile(bomb, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('manifest.json', bytes(10**8))
    yield 'package: bomb', lambda: ModelPackage.open(bomb)
    for name, header in (
        ('gap', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'),
        ('vast', '{"a":{"dtype":"F32","shape":[1099511627775],"data_offsets":[0,8]}}'),
        ('nested', '[' * 100_000),
    ):
        file = folder / f'{name}.safetensors'
        file.write_bytes(len(header).to_bytes(8, 'little') + header.encode() + bytes(8))
        yield f'tensors: {name}', lambda file=file: check_tensor_file(file)
    for name in ('pipe', 'device', 'folder'):
        odd = folder / f'odd {name}.pt'
        if name == 'pipe':
            os.mkfifo(odd)
        elif name == 'device':
            odd.symlink_to('/dev/zero')
        else:
            odd.mkdir()
        yield f'path: {name}', lambda odd=odd: import_checkpoint(odd, folder=folder)


def _mutate(options: CampaignOptions, tally: Tally, folder: Path) -> None:
    chance = options.random()
    tasks = import_quietly('ultralytics.nn.tasks')
    model = tasks.DetectionModel('yolo11n.yaml', nc=1, verbose=False).half()
    torch.save({'model': model}, folder / 'real.pt')
    checkpoint = (folder / 'real.pt').read_bytes()
    package = (SHIPPED_WEIGHTS / 'roofs.zip').read_bytes()
    end_s = time.monotonic() + (5 if options.short else _MUTANTS_S)
    for number in range(20 if options.short else 10_000):
        if time.monotonic() > end_s:
            break
        of_checkpoint = number % 10 == 0
        path = folder / ('mutant.pt' if of_checkpoint else 'mutant.zip')
        path.write_bytes(_mutant(checkpoint if of_checkpoint else package, chance))
        began_s, problem = time.monotonic(), ''
        try:
            if of_checkpoint:
                import_checkpoint(path, folder=folder)
            else:
                ModelPackage.open(path).architecture()
        except InferenceError as error:
            problem = 'is no sentence' if '\n' in str(error) else ''
        except BaseException as error:
            problem = f'{number} ended in {type(error).__name__}: {error}'
        if time.monotonic() - began_s > _WITHIN_S:
            problem = f'{number} took too long'
        kind = 'mutant of a checkpoint' if of_checkpoint else 'mutant of a package'
        tally.check(kind, problem, holds=not problem)


def _mutant(content: bytes, chance: random.Random) -> bytes:
    """Change bytes, mostly where structure is: at the beginning and at the end."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        where = chance.choice((chance.randrange(len(changed)), chance.randrange(40_000)))
        where = where if chance.random() < 0.5 else len(changed) - 1 - where % len(changed)
        changed[where % len(changed)] = chance.randrange(256)
    if chance.random() < 0.1:
        del changed[chance.randrange(len(changed)) :]
    return bytes(changed)


if __name__ == '__main__':
    sys.exit(run_campaign('model_files', attempt))
