# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A reader ends in a sentence whatever the file does, and goes on with the next one."""

from __future__ import annotations

import ctypes
import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch
from tests.inference.importing.test_confinement import BEGIN, NOTHING_OFFERED

from roof_detector.inference.errors import BadModel, UnsafeModel
from roof_detector.inference.importing.confined_reader import ConfinedReader
from roof_detector.inference.importing.limits import Limits

# Where others work as well, 2 s of computing may take a minute.
SHORT = Limits(memory_bytes=300_000_000, cpu_s=2, file_bytes=2_000_000, deadline_s=60.0)

WRITE_EVERYWHERE = """
import os
for handle in range(99):
    try:
        os.write(handle, b'{')
    except OSError:
        pass
"""


class ReaderCalls:
    """Pickle as a call of a function, which reading the pickle carries out."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.fixture(scope='module')
def reader():
    with ConfinedReader(limits=SHORT) as one:
        yield one


def evil(folder: Path, function, *arguments) -> Path:
    path = folder / 'evil.pt'
    torch.save({'model': ReaderCalls(function, *arguments)}, path, pickle_module=pickle)
    return path


def end_of(reader: ConfinedReader, path: Path) -> str:
    with pytest.raises((BadModel, UnsafeModel)) as raised, reader.read(path):
        pass
    sentence = str(raised.value)
    assert sentence.startswith(str(path)) and '\n' not in sentence and len(sentence) < 600
    return sentence


@pytest.mark.parametrize(
    ('function', 'arguments', 'said'),
    [
        (bytearray, (2**45,), 'GiB of memory'),
        (exec, ('while True: pass',), 'takes more than 2 s of computing'),
        (pow, (7, 10**9), 'takes more than 2 s of computing'),
        (os.abort, (), r'made the process that reads it crash \(SIGABRT\)'),
        (ctypes.string_at, (8,), r'crash \(SIGSEGV\)'),
        (os._exit, (0,), 'ended the process that reads it without an answer'),
        (exec, ('raise SystemExit',), 'damaged'),
        (exec, ('raise KeyboardInterrupt',), 'damaged'),
        (exec, ('def f(): f()\nf()',), 'damaged'),
        (exec, ('import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()',), 'evil'),
        (exec, ('raise type("E", (Exception,), {"__str__": lambda e: 1/0})',), 'damaged'),
        (exec, ('import not_here',), 'needs code that is not installed here'),
        (exec, ('import threading as t\nt.Thread(target=print).start()',), 'is refused'),
        (exec, ('import os\nwhile True: os.fork()',), r'is refused.*os\.fork'),
        (exec, (f'{WRITE_EVERYWHERE}os._exit(0)',), 'without an answer'),
    ],
    ids=lambda one: str(getattr(one, '__name__', one))[:40],
)  # fmt: skip
def test_whatever_a_file_does_ends_in_a_sentence(reader, tmp_path, function, arguments, said):
    path = evil(tmp_path, function, *arguments)
    assert re.search(said, end_of(reader, path))


def test_what_is_too_large_to_write_ends_in_a_sentence(reader, tmp_path, detect_pt):
    whole = torch.load(detect_pt, weights_only=False)
    whole['model'].float()
    torch.save(whole, tmp_path / 'large.pt')
    assert 'more than 2000000 bytes' in end_of(reader, tmp_path / 'large.pt')


def test_a_deadline_leaves_no_process_and_the_next_file_is_read(tmp_path):
    with ConfinedReader(limits=SHORT) as reader:
        end_of(reader, save(tmp_path / 'list.pt', [1, 2]))
        before = {one.pid for one in psutil.Process().children(recursive=True)}
        reader._limits = replace(SHORT, deadline_s=1.0)
        assert 'was not read within 1 s' in end_of(reader, evil(tmp_path, time.sleep, 1000))
        reader._limits = SHORT
        assert not {one.pid for one in psutil.Process().children(recursive=True)} - before
        assert 'holds a list' in end_of(reader, tmp_path / 'list.pt')


def save(path: Path, value) -> Path:
    torch.save(value, path)
    return path


def test_two_threads_share_a_reader(reader, tmp_path):
    paths = [save(tmp_path / f'{index}.pt', [index]) for index in range(6)]
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda path: said.append(end_of(reader, path)), args=(path,))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(text.split()[0] for text in said) == [str(path) for path in paths]


@pytest.mark.parametrize('kind', ['folder', 'pipe', 'nothing', 'empty', 'device', 'dangling'])
def test_what_is_not_a_file_is_refused_at_once(reader, tmp_path, kind):
    path = tmp_path / 'odd.pt'
    {
        'folder': path.mkdir,
        'pipe': partial(os.mkfifo, path),
        'nothing': lambda: None,
        'empty': path.touch,
        'device': partial(path.symlink_to, '/dev/zero'),
        'dangling': partial(path.symlink_to, tmp_path / 'gone'),
    }[kind]()
    assert 'was not read within' not in end_of(reader, path)


def test_where_the_kernel_offers_nothing_a_file_is_read_only_with_trust(tmp_path, detect_pt):
    program = f"""
{NOTHING_OFFERED}
from roof_detector.inference.errors import UnsafeModel
from roof_detector.inference.importing.imported_checkpoint import import_checkpoint
path, folder = Path({str(detect_pt)!r}), Path({str(tmp_path)!r})
try:
    import_checkpoint(path, folder=folder)
except UnsafeModel as error:
    print(error)
print(import_checkpoint(path, folder=folder, trust=True).facts.names)
"""
    (tmp_path / 'opened').touch()
    done = subprocess.run(
        [sys.executable, '-c', BEGIN + program, str(tmp_path), '0'],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    refusal, names = done.stdout.splitlines()
    assert 'is not read: this kernel' in refusal and '--trust' in refusal, done.stderr
    assert names == "('equip', 'drain', 'crack', 'ponding', 'rust')"


def test_a_user_without_rights_reads_a_checkpoint(tmp_path, detect_pt):
    """As root this runs as nobody, with the system's Python: ours may lie in root's home."""
    python = Path('/usr/bin/python3')
    version = f'{sys.version_info.major}.{sys.version_info.minor}'
    if os.geteuid() != 0:
        pytest.skip('whoever runs this is without rights: all other tests try it')
    if not python.exists() or version not in str(python.readlink()):
        pytest.skip(f'{python} is not a Python {version}')
    program = """
import sys
from pathlib import Path
from roof_detector.inference.importing.imported_checkpoint import import_checkpoint
print(import_checkpoint(Path(sys.argv[1]), folder=Path(sys.argv[2])).facts.names)
"""
    open_to_all = Path('/var/tmp') / f'roof_detector-test-{os.getpid()}'
    open_to_all.mkdir(mode=0o777)
    open_to_all.chmod(0o777)
    try:
        model = open_to_all / 'any.pt'
        model.write_bytes(detect_pt.read_bytes())
        path = [one for one in sys.path if one and not one.startswith(sys.base_prefix)]
        done = subprocess.run(
            [python, '-S', '-c', program, model, open_to_all],
            env={'PYTHONPATH': os.pathsep.join(path), 'PATH': '/usr/bin'},
            user=65534,
            group=65534,
            extra_groups=[],
            cwd='/',
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(open_to_all)
    if 'ModuleNotFoundError' in done.stderr:
        pytest.skip('nobody may not read the packages here')
    assert done.stdout.strip() == "('equip', 'drain', 'crack', 'ponding', 'rust')", done.stderr
