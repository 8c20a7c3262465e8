# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The reading of foreign checkpoints by a process that the kernel confines."""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import roof_detector
from roof_detector.inference.errors import BadModel, MissingBackend, UnsafeModel
from roof_detector.inference.importing.confined_server import STOP
from roof_detector.inference.importing.limits import MOST_MODEL_BYTES, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_START_S = 180.0  # importing torch from the slowest SD card that a drone boots from
_STOP_S = 3.0
_CHUNK_BYTES = 1 << 22
_TIMM = b'timm.'
_MOST_FACTS_BYTES = 32_000_000
_MOST_ANSWER_BYTES = 4096
_BOOT = (
    'import json, sys; sys.path[:] = json.loads(sys.argv[1])["path"]; '
    'from roof_detector.inference.importing.confined_server import main; main()'
)
_TRUST = (
    'Import it elsewhere and copy the package here, or import it with --trust if you trust '
    'its maker, for it may run any code.'
)
_OUTPUTS = ('facts', 'weights', 'state', 'answers')


@dataclass(frozen=True)
class Reading:
    """The unchecked result of reading one checkpoint: a mapping and files of tensors in `folder`.

    The folder and all in it are removed when the reading's context ends.
    """

    folder: Path
    facts: dict[str, Any]

    @property
    def weights(self) -> Path:
        """Return the file of the network's tensors."""
        return self.folder / 'weights'

    @property
    def state(self) -> Path:
        """Return the file of all other tensors, empty unless they were asked for."""
        return self.folder / 'state'

    @property
    def answers(self) -> Path:
        """Return the file of the network's outputs for the images, empty if none were given."""
        return self.folder / 'answers'


class ConfinedReader:
    """A process that reads checkpoints one after another, each in a confined child of its own.

    Starting it imports torch, which takes seconds, so it is kept for the next file; when idle it
    ends by itself and is started again on demand. Several threads may use it. `limits` override
    what follows from the size of each file.
    """

    def __init__(self, *, limits: Limits | None = None) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._home: Path | None = None
        self._has_timm = False

    def __enter__(self) -> ConfinedReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all its children."""
        with self._lock:
            self._stop()

    @contextlib.contextmanager
    def read(
        self,
        path: Path,
        *,
        trust: bool = False,
        with_state: bool = False,
        images: Mapping[str, npt.NDArray[np.float32]] | None = None,
    ) -> Iterator[Reading]:
        """Read a checkpoint; raise `BadModel` or `UnsafeModel` with a sentence, in bounded time.

        `with_state` also requests what a training run resumes from. `images` are inputs of the
        network (n, channels, height, width) in 0 to 1, by name, whose raw outputs are written.
        `trust` reads the file also if the kernel cannot confine the reader.
        """
        folder = Path(tempfile.mkdtemp(prefix='roof_detector-import-'))
        try:
            with contextlib.ExitStack() as open_files:
                model = _open_model(path)
                open_files.callback(os.close, model)
                limits = self._limits or Limits.for_file(os.fstat(model).st_size)
                (folder / 'images').write_bytes(_images_file(images))
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                handles = {'model': model}
                for name in _OUTPUTS:
                    handles[name] = os.open(folder / name, flags, 0o600)
                    open_files.callback(os.close, handles[name])
                handles['images'] = os.open(folder / 'images', os.O_RDONLY | os.O_CLOEXEC)
                open_files.callback(os.close, handles['images'])
                request = {'limits': asdict(limits), 'trust': trust, 'with_state': with_state}
                with self._lock:
                    answer = self._ask(path, request, handles, limits)
            yield Reading(folder, _understand(path, folder / 'facts', answer, limits))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _ask(
        self, path: Path, request: dict[str, Any], handles: dict[str, int], limits: Limits
    ) -> dict[str, Any]:
        order = ('model', 'facts', 'weights', 'state', 'images', 'answers')
        descriptors = [handles[name] for name in order]
        message = [json.dumps(request).encode()]
        with_timm = _names_timm(handles['model'])
        connection = self._start(with_timm=with_timm)
        try:
            socket.send_fds(connection, message, descriptors)
        except OSError:  # it had just ended by itself
            self._stop()
            connection = self._start(with_timm=with_timm)
            socket.send_fds(connection, message, descriptors)
        try:
            return self._receive(connection, limits.deadline_s)
        except TimeoutError:
            try:
                connection.send(STOP)
                self._receive(connection, _STOP_S)
            except (OSError, ValueError):
                self._stop()
            msg = (
                f'{path} was not read within {limits.deadline_s:.0f} s, far beyond what a model '
                'of its size takes: it is damaged or made to hang. Export or save it again.'
            )
            raise BadModel(msg) from None
        except (OSError, ValueError) as error:
            self._stop()
            msg = f'{path} ended the process that reads it. Save it again.'
            raise BadModel(msg) from error

    def _receive(self, connection: socket.socket, timeout_s: float) -> dict[str, Any]:
        end_s = monotonic() + timeout_s
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        if not poll.poll(max(end_s - monotonic(), 0) * 1000):
            raise TimeoutError
        message = connection.recv(_MOST_ANSWER_BYTES)
        if not message:
            msg = 'The process ended.'
            raise ConnectionError(msg)
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _start(self, *, with_timm: bool) -> socket.socket:
        """Start the process unless it is running, with timm if it is needed."""
        is_running = self._process is not None and self._process.poll() is None
        if is_running and self._connection and (self._has_timm or not with_timm):
            return self._connection
        self._stop()
        self._has_timm = with_timm
        self._home = Path(tempfile.mkdtemp(prefix='roof_detector-reader-'))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments = {
            'path': [one for one in sys.path if one and Path(one).is_absolute()],
            'readable': [str(one) for one in readable_folders()],
            'socket': theirs.fileno(),
            'with_timm': with_timm,
        }
        self._connection = ours
        log = self._home / 'log'
        with theirs, log.open('wb') as errors:
            self._process = subprocess.Popen(
                [sys.executable, '-I', '-S', '-B', '-c', _BOOT, json.dumps(arguments)],
                env=_environment(self._home),
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            self._receive(ours, _START_S)
        except (OSError, ValueError) as error:
            last = log.read_text(errors='replace').strip().rpartition('\n')[2][:300]
            self._stop()
            msg = (
                f'The process that reads checkpoints did not start ({last or "no reason given"}). '
                'Check that torch and ultralytics can be imported: roof_detector doctor.'
            )
            raise MissingBackend(msg) from error
        return ours

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            # The whole session: also a child that is reading a file.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        self._connection = self._process = self._home = None


_readers: dict[int, ConfinedReader] = {}


def default_reader() -> ConfinedReader:
    """Return the reader of this process, which starts with the first file and ends when idle."""
    # One per process: a fork must not talk to its parent's.
    reader = _readers.get(os.getpid())
    if reader is None:
        reader = _readers[os.getpid()] = ConfinedReader()
        atexit.register(reader.close)
    return reader


def _open_model(path: Path) -> int:
    try:
        # Without waiting for a writer of a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        msg = f'{path} cannot be read ({error.strerror}).'
        raise BadModel(msg) from error
    found = os.fstat(handle)
    problem = None
    if not stat.S_ISREG(found.st_mode):
        problem = 'is not a file, expected a checkpoint (.pt)'
    elif not found.st_size:
        problem = 'is empty, copy it again'
    elif found.st_size > MOST_MODEL_BYTES:
        problem = f'takes {found.st_size} bytes, at most {MOST_MODEL_BYTES} are read'
    if problem:
        os.close(handle)
        msg = f'{path} {problem}.'
        raise BadModel(msg)
    return handle


def _names_timm(handle: int) -> bool:
    """Return whether a checkpoint names classes of timm, as one with a backbone of it does.

    Importing timm takes seconds and makes folders, which a confined process may not.
    """
    offset, before = 0, b''
    while chunk := os.pread(handle, _CHUNK_BYTES, offset):
        if _TIMM in before + chunk:
            return True
        offset, before = offset + len(chunk), chunk[-len(_TIMM) :]
    return False


def _images_file(images: Mapping[str, npt.NDArray[np.float32]] | None) -> bytes:
    if not images:
        return b''
    from safetensors.numpy import save  # noqa: PLC0415  (only where images are given)

    content: bytes = save({name: np.ascontiguousarray(one) for name, one in images.items()})
    return content


def _environment(home: Path) -> dict[str, str]:
    """Return the environment of the reader: only where libraries lie."""
    kept = {name: os.environ[name] for name in ('LD_LIBRARY_PATH',) if name in os.environ}
    one_thread = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')
    return {
        **kept,
        **dict.fromkeys(one_thread, '1'),
        'MALLOC_ARENA_MAX': '1',
        'CUDA_VISIBLE_DEVICES': '',
        'HOME': str(home),
        'TMPDIR': str(home),
        'USER': 'nobody',
        'LANG': 'C.UTF-8',
        'PATH': '/usr/bin:/bin',
    }


def readable_folders() -> list[Path]:
    """Return the folders of Python, its packages and this one: all that a reading may open."""
    standard = {Path(sysconfig.get_path(name)) for name in ('stdlib', 'platstdlib')}
    packages = {
        Path(one) for one in sys.path if Path(one).name in ('site-packages', 'dist-packages')
    }
    ours = {Path(one) for one in roof_detector.__path__}
    return sorted({*standard, *packages, *ours, Path(sys.base_prefix) / 'lib'})


def _understand(path: Path, facts: Path, answer: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Return the facts that a reading wrote, or raise the error that its end means."""
    status = int(answer['status'])
    if os.WIFSIGNALED(status):
        msg = f'{path} {_killed_by(os.WTERMSIG(status), answer, limits)}'
        raise BadModel(msg)
    try:
        if facts.stat().st_size > _MOST_FACTS_BYTES:
            raise ValueError
        content = json.loads(facts.read_bytes(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError, OSError):
        msg = (
            f'{path} ended the process that reads it without an answer. It is damaged or made to '
            'do so: save it again.'
        )
        raise BadModel(msg) from None
    if not isinstance(content, dict):
        msg = f'{path} gave a {type(content).__name__} for its facts. Save it again.'
        raise BadModel(msg)
    if 'unconfined' in content:
        msg = (
            f'{path} is not read: this kernel, or the missing library libseccomp2, does not let '
            f'the reader of a .pt file be confined. {_TRUST}'
        )
        raise UnsafeModel(msg)
    if 'error' in content:
        raise _as_sentence(path, content['error'], limits)
    return content


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _killed_by(number: int, answer: dict[str, Any], limits: Limits) -> str:
    if number == signal.SIGKILL and answer['cpu_s'] > limits.cpu_s:
        number = signal.SIGXCPU
    memory = f'{limits.memory_bytes / 2**30:.1f} GiB of memory'
    reasons = {
        signal.SIGXCPU: f'takes more than {limits.cpu_s} s of computing to read',
        signal.SIGXFSZ: f'holds more than {limits.file_bytes} bytes',
        signal.SIGKILL: f'takes more than {memory} to read, or more than the machine has',
    }
    name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
    reason = reasons.get(
        signal.Signals(number) if number in set(signal.Signals) else signal.SIGABRT,
        f'made the process that reads it crash ({name})',
    )
    return f'{reason}: it is damaged or made to do so. Save it again.'


def _as_sentence(path: Path, error: Any, limits: Limits) -> BadModel | UnsafeModel:
    """Return the exception for an error in the reader; its words come from the file."""
    words = [str(one) for one in error] if isinstance(error, list) and error else ['', '']
    *classes, text = words
    reported = ''.join(one for one in text if one.isprintable())[:200] or (classes or [''])[0]
    if 'NotAModel' in classes:
        return BadModel(f'{path} {reported}')
    if 'PermissionError' in classes or 'new thread' in reported:
        return UnsafeModel(
            f'{path} is refused: reading it tried something that a model has no need of, such as '
            f'writing a file, a connection or starting a program ({reported}).'
        )
    if 'MemoryError' in classes or 'not enough memory' in reported or "can't allocate" in reported:
        return BadModel(
            f'{path} takes more than {limits.memory_bytes / 2**30:.1f} GiB of memory to read: it '
            'is damaged or made to do so. Save it again.'
        )
    if f'[Errno {errno.EFBIG}]' in reported:
        return BadModel(
            f'{path} holds more than {limits.file_bytes} bytes: it is damaged or made to do so. '
            'Save it again.'
        )
    if {'ImportError', 'AttributeError'} & set(classes):
        return BadModel(f'{path} needs code that is not installed here ({reported}).')
    return BadModel(
        f'{path} is not a PyTorch checkpoint, or it is cut short or damaged ({reported}). Copy it '
        'or export it again.'
    )
