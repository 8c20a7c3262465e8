# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Malicious model files, and mutants of real ones.

They go the public ways: `Detector.open`, the command `detect`, the station's check of an upload.
Canaries are a folder, a listening socket on loopback and the processes of this one: no file may
appear, nobody connect, no process be left. Each try ends within 30 s with one sentence.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import torch

from benchmarks.campaign.model_attacks import Attack, attacks
from benchmarks.campaign.model_mutants import (
    FULL,
    MOST_WORDS,
    SHORT,
    WITHIN_S,
    ChunkOutcome,
    MutantBatch,
    chunks,
    try_chunk,
)
from benchmarks.campaign.result import CampaignOptions, Tally, run_campaign
from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import InferenceError
from roof_detector.inference.importing.confined_reader import ConfinedReader
from roof_detector.inference.importing.limits import Limits
from roof_detector.station.errors import StationError
from roof_detector.station.folders import StationFolders
from roof_detector.station.model_store import ModelStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

# An endless file computes for 20 s, so only one is opened with the real limits.
_REAL_LIMITS = 'pickle: 60 doublings as a key, zip'
_SHORT_LIMITS = Limits(cpu_s=3, deadline_s=6.0)
_BY_PROCESS = (
    'code: system',
    'gadget: _rebuild_from_type_v2',
    'gadget: bound method of a path',
    'architecture: activation',
    'package: manifest: path in files',
    'ONNX: weights in ../../../etc/passwd',
    'program: TorchScript',
)
_STATION_TAKES = ('.pt', '.zip', '.onnx')
_SHORT_KINDS = (
    *_BY_PROCESS,
    'code: connect',
    'code: ctypes system',
    'code: fork',
    'gadget: bytearray(2**45)',
    'package: bomb',
    'package: link',
    'package: architecture: evaluated activation',
    'package: tensors: vast',
    'path: pipe.pt',
    'program: engine',
)


class _Canaries:
    """Files and servers that an attack must not reach."""

    def __init__(self, folder: Path) -> None:
        self._traps = folder / 'traps'
        self._traps.mkdir()
        self.trap = self._traps / 'trap'
        self._server = socket.create_server(('127.0.0.1', 0))
        self._server.settimeout(0.0)
        self.port = self._server.getsockname()[1]

    def close(self) -> None:
        self._server.close()

    def harm(self, *, readers: int = 1) -> str:
        """Return what an attack has reached, '' for nothing. Sandboxed readers may still run."""
        if any(self._traps.iterdir()):
            return 'wrote a file'
        try:
            self._server.accept()[0].close()
        except BlockingIOError:
            pass
        else:
            return 'opened a connection'
        confined, others = 0, []
        for one in psutil.Process().children(recursive=True):
            try:
                words = ' '.join(one.cmdline())
                if one.status() == psutil.STATUS_ZOMBIE:
                    continue
            except psutil.NoSuchProcess:
                continue
            confined += 'confined_server' in words
            if 'confined_server' not in words and 'multiprocessing' not in words:
                others.append(words[:60])
        if others or confined > readers:
            return f'left processes: {confined} readers, {others}'
        return ''


def attempt(options: CampaignOptions, tally: Tally) -> None:
    """Open every attack file, then mutants, and check the canaries."""
    folder = Path(tempfile.mkdtemp(prefix='roof_detector-campaign-'))
    os.environ['XDG_CACHE_HOME'] = str(folder / 'cache')
    canaries = _Canaries(folder)
    try:
        _attack(options, tally, folder, canaries)
        _mutate(options, tally, canaries)
    finally:
        canaries.close()
        shutil.rmtree(folder, ignore_errors=True)


def _attack(options: CampaignOptions, tally: Tally, folder: Path, canaries: _Canaries) -> None:
    files = folder / 'files'
    files.mkdir()
    torch.save([], folder / 'first.pt')
    longest_s: dict[str, float] = defaultdict(float)
    distinct = 0
    _open(folder / 'first.pt', 'auto')  # starting the reader is not part of any try
    with ConfinedReader(limits=_SHORT_LIMITS) as short_reader:

        def is_wanted(attack: Attack) -> bool:
            return not options.short or attack.kind in _SHORT_KINDS

        for attack in attacks(files, canaries.trap, canaries.port, is_wanted=is_wanted):
            distinct += 1
            ways: dict[str, Callable[[Path], str]] = {}
            if attack.endless and attack.kind != _REAL_LIMITS:
                ways['by a reader with short limits'] = partial(_read, short_reader)
            else:
                ways['by Detector.open'] = partial(_open, backend=attack.backend)
            if attack.kind in _BY_PROCESS and not options.short:
                ways['by detect'] = partial(_detect, folder=folder)
                if attack.path.suffix in _STATION_TAKES:
                    ways['by an upload'] = partial(_upload, folder=folder)
            for way, read in ways.items():
                began_s = time.monotonic()
                problem = _try(
                    partial(read, attack.path),
                    canaries,
                    within_s=_within_s(options),
                    may_be_read=attack.may_be_read,
                )
                longest_s[way] = max(longest_s[way], time.monotonic() - began_s)
                kind = f'attack {way}: {attack.kind.partition(":")[0]}'
                tally.check(kind, f'{attack.kind} {problem}', holds=not problem)
    tally.figures['attack_files'] = distinct
    tally.figures['longest_of_attacks_s'] = {
        way: round(seconds, 1) for way, seconds in longest_s.items()
    }


def _open(path: Path, backend: str) -> str:
    """Open a model in this process; return the error message."""
    try:
        Detector.open(path, device='cpu', backend=backend).close()
    except InferenceError as error:
        return str(error)
    return ''


def _read(reader: ConfinedReader, path: Path) -> str:
    try:
        with reader.read(path):
            return ''
    except InferenceError as error:
        return str(error)


def _detect(path: Path, folder: Path) -> str:
    """Open a model with the command line; return its error message, '' for success."""
    done = subprocess.run(
        [
            sys.executable, '-m', 'roof_detector.cli.main', 'detect', str(folder),
            '--output', str(folder / 'results'), '--model', str(path), '--device', 'cpu',
        ],
        capture_output=True, text=True, check=False, timeout=2 * WITHIN_S,
    )  # fmt: skip
    if done.returncode != 1 or 'Traceback' in done.stderr:
        msg = f'ended with {done.returncode}: {done.stderr[-300:]}'
        raise RuntimeError(msg)
    return done.stderr.strip()


def _upload(path: Path, folder: Path) -> str:
    """Upload a model to the station as its page does; return why it was refused."""
    store = ModelStore(StationFolders.make(str(folder / 'station')), limit_bytes=10**9)
    before = dict(store.choices)

    async def blocks() -> AsyncIterator[bytes]:
        yield path.read_bytes()

    try:
        asyncio.run(store.add(path.name, blocks()))
    except StationError as error:
        if store.choices != before:
            msg = 'was refused, and is stored all the same'
            raise RuntimeError(msg) from error
        return str(error)
    return ''


def _within_s(options: CampaignOptions) -> float:
    # The short form is one of the tests, which share the machine.
    return 4 * WITHIN_S if options.short else WITHIN_S


def _try(
    read: Callable[[], str], canaries: _Canaries, *, within_s: float, may_be_read: bool
) -> str:
    """Open an attack file; return what is wrong with the outcome, '' for nothing."""
    began_s, problem = time.monotonic(), ''
    try:
        error = read()
        if not error and not may_be_read:
            problem = 'was read'
        elif '\n' in error or len(error) > MOST_WORDS:
            problem = f'is no sentence: {error[:200]!r}'
    except BaseException as error:
        problem = f'ended in {type(error).__name__}: {str(error)[:300]}'
    took_s = time.monotonic() - began_s
    if not problem and took_s > within_s:
        problem = f'took {took_s:.1f} s'
    return canaries.harm(readers=2) or problem


def _mutate(options: CampaignOptions, tally: Tally, canaries: _Canaries) -> None:
    todo = list(
        chunks(
            SHORT if options.short else FULL,
            seed=options.seed,
            trap=canaries.trap,
            port=canaries.port,
            within_s=_within_s(options),
        )
    )
    seconds: dict[str, float] = defaultdict(float)
    read: Counter[str] = Counter()
    longest_s = 0.0
    outcomes = map(try_chunk, todo) if options.short else _by_workers(todo, tally)
    for outcome in outcomes:
        kind = f'mutant: {outcome.kind}'
        tally.held(kind, times=outcome.refused + outcome.read - _counted(outcome))
        for problem in outcome.problems:
            tally.failed(kind, problem)
        if harm := canaries.harm(readers=5):
            tally.failed(kind, harm)
        longest_s = max(longest_s, outcome.longest_s)
        seconds[outcome.kind] += outcome.seconds
        read[outcome.kind] += outcome.read
    tally.figures['mutants'] = sum(
        count for kind, count in tally.attempts.items() if kind.startswith('mutant')
    )
    tally.figures['mutants_read_without_harm'] = sum(read.values())
    tally.figures['longest_of_mutants_s'] = round(longest_s, 1)
    tally.figures['worker_seconds'] = {kind: round(one, 1) for kind, one in seconds.items()}


def _counted(outcome: ChunkOutcome) -> int:
    """Return how many of the refused and read ones are among the problems."""
    return sum(' ended in ' not in one for one in outcome.problems)


def _by_workers(todo: list[MutantBatch], tally: Tally) -> list[ChunkOutcome]:
    """Try the chunks in two processes; a mutant that ends one is a failure."""
    outcomes: list[ChunkOutcome] = []
    spawn = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        futures: dict[Future[ChunkOutcome], MutantBatch] = {
            pool.submit(try_chunk, chunk): chunk for chunk in todo
        }
        for future in as_completed(futures):
            try:
                outcomes.append(future.result())
            except BrokenProcessPool:
                tally.failed(f'mutant: {futures[future].kind}', 'its worker was ended')
    return outcomes


if __name__ == '__main__':
    sys.exit(run_campaign('model_files', attempt))
