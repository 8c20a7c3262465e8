# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The mapping of classes: rename, merge, drop and order."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from training.dataset.error import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from training.dataset.instance import Instance


@dataclass(frozen=True)
class ClassMap:
    """New class names by old ones ('' drops a class), and optionally the order of their numbers.

    Classes that are not named keep their names. Two old names with one new name are merged.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls, entries: Iterable[str], *, drop: Iterable[str] = (), order: Iterable[str] = ()
    ) -> ClassMap:
        """Read entries such as 'AC unit=equip'."""
        renamed: dict[str, str] = {}
        for entry in entries:
            old, sign, new = (part.strip() for part in entry.rpartition('='))
            if not sign or not old:
                msg = f"{entry!r} maps no class; write 'OLD NAME=NEW NAME'."
                raise DatasetError(msg)
            renamed[old] = new
        renamed.update(dict.fromkeys(drop, ''))
        return cls(renamed, tuple(order))

    def new_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names after mapping; raise DatasetError for a mapping that does not fit."""
        for old in self.renamed:
            if old not in names:
                close = difflib.get_close_matches(old, names, n=1)
                hint = f' Did you mean {close[0]!r}?' if close else ''
                msg = f'There is no class {old!r} in {", ".join(names)}.{hint}'
                raise DatasetError(msg)
        mapped = tuple(dict.fromkeys(new for name in names if (new := self._new(name))))
        if not mapped:
            msg = f'Every class of {", ".join(names)} would be dropped; keep one.'
            raise DatasetError(msg)
        if not self.order:
            return mapped
        if absent := [name for name in mapped if name not in self.order]:
            msg = (
                f'The order {", ".join(self.order)} lacks {", ".join(absent)}; '
                'add or drop what is lacking.'
            )
            raise DatasetError(msg)
        return self.order

    def apply(
        self, instances: tuple[Instance, ...], names: tuple[str, ...]
    ) -> tuple[Instance, ...]:
        """Return the instances numbered by the new names, without the dropped ones."""
        numbers = {name: number for number, name in enumerate(self.new_names(names))}
        return tuple(
            replace(instance, class_id=numbers[new])
            for instance in instances
            if (new := self._new(names[instance.class_id]))
        )

    def _new(self, name: str) -> str:
        return self.renamed.get(name, name)
