# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What one check of the doctor found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """The severity of a finding; FAIL means that a flight would not deliver what is wanted."""

    OK = 'OK'
    WARN = 'WARN'
    FAIL = 'FAIL'


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check, and the command that fixes a problem."""

    subject: str
    verdict: Verdict
    message: str
    remedy: str = ''

    def __post_init__(self) -> None:
        if self.verdict is Verdict.FAIL and not self.remedy:
            msg = (
                f'The failed check {self.subject!r} has no remedy; add the command that fixes it.'
            )
            raise ValueError(msg)


def ok(subject: str, message: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(subject=subject, verdict=Verdict.OK, message=message)


def warn(subject: str, message: str, remedy: str) -> Finding:
    """Return a problem that may spoil a flight."""
    return Finding(subject=subject, verdict=Verdict.WARN, message=message, remedy=remedy)


def fail(subject: str, message: str, remedy: str) -> Finding:
    """Return a problem that spoils a flight."""
    return Finding(subject=subject, verdict=Verdict.FAIL, message=message, remedy=remedy)
