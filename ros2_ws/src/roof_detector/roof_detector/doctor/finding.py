# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """Say how bad it is: FAIL means that a flight would bring nothing, or not what is wanted."""

    OK = 'OK'
    WARN = 'WARN'
    FAIL = 'FAIL'


@dataclass(frozen=True)
class Finding:
    """Hold what one check found, and the command that mends it."""

    subject: str
    verdict: Verdict
    message: str
    remedy: str = ''

    def __post_init__(self) -> None:
        if self.verdict is Verdict.FAIL and not self.remedy:
            msg = f'The failed check {self.subject!r} names no remedy; give the mending command.'
            raise ValueError(msg)


def ok(subject: str, message: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(subject, Verdict.OK, message)


def warn(subject: str, message: str, remedy: str) -> Finding:
    """Return a finding that may spoil a flight."""
    return Finding(subject, Verdict.WARN, message, remedy)


def fail(subject: str, message: str, remedy: str) -> Finding:
    """Return a finding that spoils a flight."""
    return Finding(subject, Verdict.FAIL, message, remedy)
