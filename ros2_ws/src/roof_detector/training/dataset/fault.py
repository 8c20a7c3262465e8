# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The faults of a data set, with their places."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, order=True, kw_only=True)
class Fault:
    """One fault: the file relative to the set's root, and its line.

    `line` counts from 1; 0 stands for the file as a whole. `kind` is a short key for machines.
    """

    file: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        place = f'{self.file}:{self.line}' if self.line else self.file
        return f'{place}: {self.text} [{self.kind}]'

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass
class FaultLog:
    """The faults and warnings of a set that is being read; reading continues after each."""

    root: Path
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    _first_skipped: dict[str, tuple[str, int, str]] = field(default_factory=dict)

    def fault(self, kind: str, file: Path, text: str, *, line: int = 0) -> None:
        """Log a fault, which makes the set unfit for training."""
        self.faults.append(Fault(file=self.shown(file), line=line, kind=kind, text=text))

    def caution(self, kind: str, file: Path, text: str, *, line: int = 0) -> None:
        """Log a warning, which does not prevent training."""
        self.warnings.append(Fault(file=self.shown(file), line=line, kind=kind, text=text))

    def skip(
        self, cause: str, file: Path, *, count: int = 1, line: int = 0, place: str = ''
    ) -> None:
        """Count labels or images that are left out; `cause` is a plural noun."""
        self.skipped[cause] = self.skipped.get(cause, 0) + count
        self._first_skipped.setdefault(cause, (self.shown(file), line, place))

    def skipped_warnings(self) -> list[Fault]:
        """Return one warning for each cause, at the first place where it occurred."""
        return [
            Fault(
                file=file,
                line=line,
                kind='skipped',
                text=f'{self.skipped[cause]} {cause} are left out, first {place or "here"}.',
            )
            for cause, (file, line, place) in self._first_skipped.items()
        ]

    def shown(self, file: Path) -> str:
        """Return a path relative to the root, so that it is the same on every machine."""
        try:
            return file.relative_to(self.root).as_posix()
        except ValueError:
            return file.as_posix()
