# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Each thing that a confined process must not be able to do, tried in one."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from roof_detector.inference.importing.landlock import landlock_version

BEGIN = """
import ctypes, os, resource, signal, socket, sys, threading, time
from pathlib import Path
from roof_detector.inference.importing import confinement
from roof_detector.inference.importing.confined_reader import readable_folders
from roof_detector.inference.importing.limits import Limits
from roof_detector.inference.importing.system_call_filter import load_libseccomp
from roof_detector.inference.importing.system_calls import call, leave_network

def switch_off(*names):
    '''Make this kernel one that does not offer some calls.'''
    library = load_libseccomp()
    rules = library.seccomp_init(0x7FFF0000)
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        assert not library.seccomp_rule_add_array(rules, 0x00050000 | 38, number, 0, None)
    assert not library.seccomp_load(rules)

def confine(filters=True, **limits):
    return confinement.confine(
        Limits(**limits), readable=readable,
        filters=load_libseccomp() if filters else None,
    )

readable = readable_folders()
folder = Path(sys.argv[1])
port = int(sys.argv[2])
opened = os.open(folder / 'opened', os.O_RDWR)
"""
# prctl itself is needed, to give up privileges; its way to a filter is switched off with it.
NOTHING_OFFERED = """
library = load_libseccomp()
rules = library.seccomp_init(0x7FFF0000)
from roof_detector.inference.importing.system_call_filter import _Condition
for name, conditions in (
    ('landlock_create_ruleset', ()), ('seccomp', ()), ('prctl', (_Condition(0, 4, 22, 0),)),
):
    number = library.seccomp_syscall_resolve_name(name.encode())
    array = (_Condition * len(conditions))(*conditions)
    assert not library.seccomp_rule_add_array(rules, 0x00050026, number, len(conditions), array)
assert not library.seccomp_load(rules)
"""
X86 = platform.machine() == 'x86_64'


@pytest.fixture
def canary(tmp_path):
    """Return a folder with a file in it, and a port on loopback that nobody must reach."""
    (tmp_path / 'opened').write_text('as it was')
    with socket.create_server(('127.0.0.1', 0)) as server:
        server.setblocking(False)
        yield tmp_path, server.getsockname()[1]
        with pytest.raises(BlockingIOError):
            server.accept()
    assert (tmp_path / 'opened').read_text() == 'as it was'
    assert [one.name for one in tmp_path.iterdir()] == ['opened']


def run(program: str, canary, *, user: int = 0, timeout: float = 300):
    folder, port = canary
    as_user = f'os.setgroups([]); os.setresgid(*[{user}] * 3); os.setresuid(*[{user}] * 3)\n'
    return subprocess.run(
        [
            *(sys.executable, '-c'),
            BEGIN + (as_user if user else '') + textwrap.dedent(program),
            *(str(folder), str(port)),
        ],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


# Each ends in an error of the system; `call` makes a call that Python has no function for.
REFUSED = {
    'network': 'socket.socket()',
    'network by IPv6': 'socket.socket(socket.AF_INET6)',
    'datagrams': 'socket.socket(type=socket.SOCK_DGRAM)',
    'local socket': 'socket.socket(socket.AF_UNIX)',
    'pair of sockets': 'socket.socketpair()',
    'netlink': 'socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)',
    'connection on loopback': 'socket.create_connection(("127.0.0.1", port))',
    'program': 'os.execv("/bin/true", ["true"])',
    'spawned program': 'os.posix_spawn("/bin/true", ["true"], {})',
    'process': 'os.fork()',
    'thread': 'threading.Thread(target=print).start()',
    'signal to the parent': 'os.kill(os.getppid(), 0)',
    'signal to itself as a group': 'os.killpg(0, 0)',
    'handle of a process': 'os.pidfd_open(os.getppid())',
    'file': 'open(folder / "new", "w")',
    'file to append to': 'open(folder / "opened", "a")',
    'file to read and write': 'open(folder / "opened", "r+")',
    'nameless file': 'os.open(folder, os.O_TMPFILE | os.O_RDWR)',
    'file cut off': 'os.truncate(folder / "opened", 0)',
    'open file cut off': 'os.ftruncate(opened, 0)',
    'folder': 'os.mkdir(folder / "new")',
    'file removed': 'os.unlink(folder / "opened")',
    'file renamed': 'os.rename(folder / "opened", folder / "new")',
    'symbolic link': 'os.symlink("/etc/passwd", folder / "new")',
    'hard link': 'os.link(folder / "opened", folder / "new")',
    'pipe with a name': 'os.mkfifo(folder / "new")',
    'device': 'os.mknod(folder / "new", 0o60600, 0)',
    'rights of a file': 'os.chmod(folder / "opened", 0o777)',
    'owner of a file': 'os.chown(folder / "opened", 1, 1)',
    'attribute of a file': 'os.setxattr(folder / "opened", "user.x", b"y")',
    'time of a file': 'os.utime(folder / "opened")',
    'file in memory': 'os.memfd_create("x")',
    'terminal': 'os.openpty()',
    'more memory again': 'resource.setrlimit(resource.RLIMIT_AS, (-1, -1))',
    'priority': 'os.setpriority(os.PRIO_PROCESS, 0, -5)',
    'user': 'os.setuid(0)',
    'private file': 'open("/etc/shadow").read()',
    'folder of a user': 'os.listdir("/root")',
    'what the parent was started with': 'open(f"/proc/{os.getppid()}/environ").read()',
}
PRIVATE = ('private file', 'folder of a user', 'what the parent was started with')
# Numbers of x86-64; each also refuses to be called with no arguments that make sense, so the
# error must be that of the filter.
CALLS = {
    'ptrace': 101, 'process_vm_readv': 310, 'process_vm_writev': 311, 'vfork': 58, 'clone': 56,
    'clone3': 435, 'execveat': 322, 'io_uring_setup': 425, 'bpf': 321, 'keyctl': 250,
    'perf_event_open': 298, 'userfaultfd': 323, 'mount': 165, 'unshare': 272, 'setns': 308,
    'pivot_root': 155, 'chroot': 161, 'openat2': 437, 'creat': 85, 'shmget': 29, 'mq_open': 240,
    'inotify_init1': 294, 'fanotify_init': 300, 'kexec_load': 246, 'init_module': 175,
    'reboot': 169, 'swapon': 167, 'acct': 163, 'personality': 135, 'seccomp': 317,
    'pidfd_getfd': 438, 'memfd_secret': 447, 'name_to_handle_at': 303, 'open_by_handle_at': 304,
    'tkill': 200, 'rt_sigqueueinfo': 129, 'timer_create': 222, 'ioperm': 173, 'syslog': 103,
}  # fmt: skip


def test_what_a_reading_does_not_need_is_refused_and_what_it_needs_is_not(canary):
    """All in one process: each line tells what became of one try."""
    tries = '\n'.join(
        f"""
try:
    {one}
    print({name!r}, 'ALLOWED')
except (OSError, ValueError, RuntimeError, LookupError) as error:
    print({name!r}, type(error).__name__)
"""
        for name, one in REFUSED.items()
    )
    calls = f"""
for name, number in {CALLS if X86 else {}!r}.items():
    try:
        call(number, 0, 0, 0, 0, 0, 0)
        print(name, 'ALLOWED')
    except OSError as error:
        print(name, error.errno)
"""
    needed = """
open(os.__file__).read()
import decimal  # a file of the library that is imported late
bytearray(10**8)
os.pread(opened, 3, 0)
"""
    for user in (0, 65534) if os.geteuid() == 0 else (0,):
        # Another user may not get at a Python in root's home.
        allowed = '' if user else needed
        done = run(f'print(confine())\n{allowed}{tries}{calls}', canary, user=user)
        assert done.stdout, done.stderr
        walls, *lines = done.stdout.splitlines()
        assert 'system call filter' in walls, done.stderr
        assert ('landlock' in walls) == bool(landlock_version())
        told = dict(line.rsplit(maxsplit=1) for line in lines)
        assert len(told) == len(REFUSED) + (len(CALLS) if X86 else 0), done.stderr
        errors = {'PermissionError', 'RuntimeError', 'ValueError', 'LookupError', '1'}
        assert {name: end for name, end in told.items() if end not in errors} == {}, user


@pytest.mark.skipif(not landlock_version(), reason='this kernel has no landlock')
def test_without_the_filter_landlock_keeps_files_and_programs_from_it(canary):
    program = """
print(confine(filters=False))
for tried in (
    lambda: open(folder / 'new', 'w'), lambda: os.unlink(folder / 'opened'),
    lambda: os.mkdir(folder / 'new'), lambda: os.truncate(folder / 'opened', 0),
    lambda: os.execv('/bin/true', ['true']), lambda: open('/etc/shadow'),
    lambda: os.kill(os.getppid(), 0) if landlock >= 6 else open('/etc/shadow'),
):
    try:
        tried()
        print('ALLOWED')
    except PermissionError:
        print('refused')
"""
    done = run(f'landlock = {landlock_version()}\n{program}', canary)
    assert done.stdout.splitlines() == ["('landlock',)"] + ['refused'] * 7, done.stderr


def test_without_landlock_the_filter_keeps_all_but_reading_from_it(canary):
    tries = [one for name, one in REFUSED.items() if name not in PRIVATE]
    lines = '\n'.join(
        f'try:\n    {one}\n    print("ALLOWED", {one!r})\n'
        'except (OSError, RuntimeError, ValueError): pass'
        for one in tries
        if 'connection' not in one
    )
    off = "switch_off('landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self')"
    done = run(f'{off}\nprint(confine())\n{lines}\nprint("end")', canary)
    assert done.stdout.splitlines() == ["('system call filter',)", 'end'], done.stderr


def test_a_kernel_without_any_of_it_gives_no_walls(canary):
    done = run(f'{NOTHING_OFFERED}\nprint(confine())', canary)
    assert done.stdout.strip() == '()', done.stderr


@pytest.mark.skipif(not X86, reason='calls by the numbers of another architecture')
def test_a_call_in_the_numbers_of_another_architecture_ends_the_process(canary):
    program = r"""
import mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(b'\xb8\x14\x00\x00\x00\xcd\x80\xc3')  # getpid of i386, by interrupt
function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
if confine():
    print(function())
"""
    assert run(program, canary).returncode == -signal.SIGSYS


def test_memory_beyond_its_limit_is_refused(canary):
    program = """
confine(memory_bytes=200_000_000)
bytearray(100_000_000)
try:
    bytearray(300_000_000)
except MemoryError:
    print('refused')
"""
    assert run(program, canary).stdout.split() == ['refused']


def test_computing_beyond_its_limit_ends_the_process(canary):
    done = run('confine(cpu_s=1)\nwhile True: pass', canary)
    assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)


def test_a_file_beyond_its_limit_ends_the_process(tmp_path):
    (tmp_path / 'opened').write_text('')
    program = """
confine(file_bytes=100_000)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
while True:
    os.write(opened, bytes(1000))
"""
    done = run(program, (tmp_path, 0))
    assert done.returncode == -signal.SIGXFSZ
    assert (tmp_path / 'opened').stat().st_size == 100_000


def test_the_namespace_of_a_reader_has_no_network(canary):
    program = """
import socket
print(*leave_network())
print(os.getuid())
try:
    socket.create_connection(('127.0.0.1', port), timeout=5)
except OSError:
    print('unreachable')
"""
    done = run(program, canary)
    spaces, user, *rest = done.stdout.splitlines()
    if 'network namespace' not in spaces:
        pytest.skip('namespaces cannot be made here')
    assert rest == ['unreachable']
    assert user == '65534' or 'user namespace' not in spaces
