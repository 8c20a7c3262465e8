# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An allow-list of system calls: those that computing on open files needs, and no others.

The filter is made by libseccomp, which knows every architecture's numbers and which systemd, apt
and all container runtimes use. Its Python binding is not on PyPI, and the wrappers on PyPI are not
maintained, so the five functions that are needed are called here.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Reading files, memory, time, numbers about oneself. Absent, among all others: sockets, programs,
# processes and threads, signals to others, names of files, devices, mounts, namespaces, keys,
# tracing, io_uring, shared memory. A call that this libseccomp does not know is refused as well.
_HARMLESS = (
    # what is open, and reading
    'read pread64 readv preadv preadv2 lseek _llseek fstat stat lstat fstatat64 newfstatat statx '
    'statfs fstatfs access faccessat faccessat2 readlink readlinkat getdents getdents64 getcwd '
    'fadvise64 readahead close close_range dup dup2 dup3 poll ppoll select pselect6 '
    # writing to what is open: the reader opened it, and no other file can be opened for it
    'write pwrite64 writev fsync fdatasync '
    # memory
    'brk mmap munmap mremap mprotect madvise mincore membarrier '
    # waiting and time
    'futex nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times '
    'sched_yield restart_syscall '
    # one's own signals
    'rt_sigaction rt_sigprocmask rt_sigpending rt_sigreturn sigaltstack '
    # about oneself and the machine
    'getpid getppid gettid getuid geteuid getgid getegid getgroups getresuid getresgid getpgrp '
    'getsid getrlimit getrusage sched_getaffinity sched_getparam sched_getscheduler '
    'sched_get_priority_max sched_get_priority_min getcpu uname sysinfo getrandom '
    'set_tid_address set_robust_list get_robust_list rseq arch_prctl exit exit_group'
)

_O_ACCMODE, _O_CREAT, _O_TRUNC, _O_TMPFILE = 0o3, 0o100, 0o1000, 0o20000000
_FOR_WRITING = _O_ACCMODE | _O_CREAT | _O_TRUNC | _O_TMPFILE
_NAMES_A_THREAD_OR_MEMORY = (15, 16, 0x53564D41)  # PR_SET_NAME, PR_GET_NAME, PR_SET_VMA
_ABOUT_A_HANDLE = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_ASKS_FOR_A_TERMINAL = (0x5401, 0x5450, 0x5451)  # TCGETS, FIONCLEX, FIOCLEX

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_EQUAL, _MASKED_EQUAL = 4, 7
_KILL_PROCESS = 0x80000000
# Attributes of a filter: the result of calls of another architecture, and that all threads are
# bound.
_BAD_ARCHITECTURE, _ALL_THREADS = 2, 4


class _Condition(ctypes.Structure):
    """`struct scmp_arg_cmp` of seccomp.h."""

    _fields_ = (
        ('arg', ctypes.c_uint),
        ('op', ctypes.c_int),
        ('a', ctypes.c_uint64),
        ('b', ctypes.c_uint64),
    )


def load_libseccomp() -> ctypes.CDLL | None:
    """Return the library, or None if it is not installed."""
    try:
        library = ctypes.CDLL('libseccomp.so.2', use_errno=True)
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Condition),
    )
    for name in ('seccomp_load', 'seccomp_release'):
        getattr(library, name).argtypes = (ctypes.c_void_p,)
    library.seccomp_attr_set.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32)
    library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
    return library


def refuse_system_calls(library: ctypes.CDLL) -> None:
    """Refuse all calls that are not on the list with EPERM, for this process and for good.

    Calls in the numbers of another architecture end the process. Raises OSError if the kernel has
    no filters.
    """
    rules = library.seccomp_init(_REFUSE)
    if not rules:
        msg = 'libseccomp has no memory for a filter.'
        raise OSError(msg)
    try:
        for name, conditions in _rules():
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number < 0:  # unknown to this library, or not of this architecture
                continue
            array = (_Condition * len(conditions))(*conditions)
            _check(
                library.seccomp_rule_add_array(rules, _ALLOW, number, len(conditions), array), name
            )
        _check(library.seccomp_attr_set(rules, _BAD_ARCHITECTURE, _KILL_PROCESS), 'architecture')
        _check(library.seccomp_attr_set(rules, _ALL_THREADS, 1), 'all threads')
        _check(library.seccomp_load(rules), 'load')
    finally:
        library.seccomp_release(rules)


def _rules() -> Iterator[tuple[str, tuple[_Condition, ...]]]:
    """Return system calls with the conditions on their arguments: one rule per pair."""
    yield from ((name, ()) for name in _HARMLESS.split())
    # Reading only. openat2 hides its flags in memory, where no filter can see them.
    yield 'open', (_Condition(1, _MASKED_EQUAL, _FOR_WRITING, 0),)
    yield 'openat', (_Condition(2, _MASKED_EQUAL, _FOR_WRITING, 0),)
    yield 'prlimit64', (_Condition(2, _EQUAL, 0, 0),)  # reading limits, not setting them
    yield 'tgkill', (_Condition(0, _EQUAL, os.getpid(), 0),)  # abort
    yield from (('prctl', (_Condition(0, _EQUAL, one, 0),)) for one in _NAMES_A_THREAD_OR_MEMORY)
    yield from (('fcntl', (_Condition(1, _EQUAL, one, 0),)) for one in _ABOUT_A_HANDLE)
    yield from (('ioctl', (_Condition(1, _EQUAL, one, 0),)) for one in _ASKS_FOR_A_TERMINAL)


def _check(result: int, what: str) -> None:
    if result < 0:
        raise OSError(-result, f'{os.strerror(-result)} ({what})')
