# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The report of a data set's check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training.dataset.error import DatasetError

if TYPE_CHECKING:
    from roof_detector.inference.options import Task
    from training.dataset.fault import Fault

MOST_SHOWN = 20  # nobody reads an error longer than a screen


@dataclass(frozen=True)
class SplitCount:
    """The counts of one split."""

    images: int = 0
    backgrounds: int = 0
    instances: int = 0


@dataclass(frozen=True, kw_only=True)
class Report:
    """Every fault and warning of a data set, and what it contains.

    `kind` is the format that was read; `task` is 'detect' or 'segment'. `skipped` counts what was
    left out, by cause.
    """

    path: str
    kind: str = 'unknown'
    task: Task = 'detect'
    names: tuple[str, ...] = ()
    splits: dict[str, SplitCount] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    skipped: dict[str, int] = field(default_factory=dict)

    def raise_for_faults(self) -> None:
        """Raise DatasetError with the faults, if there are any."""
        if not self.faults:
            return
        shown = '\n'.join(f'  {fault}' for fault in self.faults[:MOST_SHOWN])
        rest = len(self.faults) - MOST_SHOWN
        more = f'\n  and {rest} more' if rest > 0 else ''
        msg = (
            f'{self.path} has {len(self.faults)} fault(s) and is refused:\n{shown}{more}\n'
            f'List all with: roof_detector dataset check {self.path}'
        )
        raise DatasetError(msg)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'path': self.path,
            'format': self.kind,
            'task': self.task,
            'names': list(self.names),
            'splits': {name: vars(count) for name, count in self.splits.items()},
            'faults': [fault.as_dict() for fault in self.faults],
            'warnings': [fault.as_dict() for fault in self.warnings],
            'skipped': dict(self.skipped),
        }

    def __str__(self) -> str:
        lines = [f'fault: {fault}' for fault in self.faults]
        lines += [f'warning: {warning}' for warning in self.warnings]
        lines.append(f'{self.path}: {self.kind}, {self.task}, {len(self.names)} class(es)')
        lines[-1] += f': {", ".join(self.names)}' if self.names else ''
        lines += [
            f'  {name}: {count.images} images ({count.backgrounds} backgrounds), '
            f'{count.instances} instances'
            for name, count in self.splits.items()
        ]
        if self.skipped:
            counted = (f'{count} {cause}' for cause, count in sorted(self.skipped.items()))
            lines.append(f'  left out: {", ".join(counted)}')
        kinds = Counter(fault.kind for fault in self.faults)
        tally = ', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))
        lines.append(
            f'{len(self.faults)} fault(s){f" ({tally})" if tally else ""}, '
            f'{len(self.warnings)} warning(s).'
        )
        return '\n'.join(lines)
