# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How a source is doing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceHealth:
    """Count what a source gave and what it could not give, at one moment.

    `delivered`: frames handed out. `unreadable`: pictures or messages that could not be read.
    `superseded`: live frames that a newer one replaced before anybody took them.
    `reconnects`: times a live source came back. `trouble`: the latest trouble as a sentence;
    it stays for files and goes when a live source comes back.
    """

    connected: bool = True
    delivered: int = 0
    unreadable: int = 0
    superseded: int = 0
    reconnects: int = 0
    trouble: str = ''
