# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the rules of severity from YAML, and refuses whatever it would have to guess at."""

from __future__ import annotations

import difflib
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.severity import (
    LANGUAGES,
    OTHER,
    Action,
    ClassRules,
    Condition,
    Deducts,
    GradeRule,
    Severity,
    SeverityRules,
)

if TYPE_CHECKING:
    from collections.abc import Collection

_SHIPPED = Path(__file__).parent / 'tables' / 'severity.yaml'
_LARGEST_FILE = 1_000_000
_VERSION = 1
# Each condition with its measure, and whether the measure has to be over the limit.
CONDITIONS = {
    'length_over_m': ('length_m', True),
    'area_over_m2': ('area_m2', True),
    'per_100_m2_over': ('per_100_m2', True),
    'drain_within_m': ('drain_m', False),
    'drain_beyond_m': ('drain_m', True),
    'edge_within_m': ('edge_m', False),
    'edge_beyond_m': ('edge_m', True),
}
MEASURED_BY = ('area', 'length', 'count')


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML silently keeps the last."""


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            msg = f'{key!r} stands twice (line {node.value[index][0].start_mark.line + 1})'
            raise yaml.YAMLError(msg)
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@cache
def shipped_severity() -> SeverityRules:
    """Return the rules that are installed as `config/severity.yaml`."""
    return read_severity(_SHIPPED)


def read_severity(path: Path) -> SeverityRules:
    """Read the rules of a file; raise FindingsError with the place of what is wrong."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            msg = f'{path} has over {_LARGEST_FILE // 1_000_000} MB, too much for such rules.'
            raise FindingsError(msg)
        text = path.read_text(encoding='utf-8-sig')
        content = yaml.load(text, _UniqueKeys)
    except OSError as error:
        msg = f'{path} cannot be read ({error.strerror}); name a file with rules of severity.'
        raise FindingsError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, TypeError, RecursionError) as error:
        reason = ' '.join(str(error).split())
        msg = f'{path} is not YAML: {reason}. Compare it with config/severity.yaml.'
        raise FindingsError(msg) from error
    return _Reading(path).rules(content, text)


class _Reading:
    """Reads one file; each fault says where in it, what was found and what is expected."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rules(self, content: Any, text: str) -> SeverityRules:
        top = self._table(content, 'The file', ('version', 'drains', 'classes'), needed=True)
        if top['version'] != _VERSION or isinstance(top['version'], bool):
            self._refuse(f'version is {top["version"]!r}, expected {_VERSION}')
        drains = top['drains']
        if not (isinstance(drains, list) and all(isinstance(one, str) for one in drains)):
            self._refuse(f'drains is {drains!r}, expected a list of classes such as [drain]')
        classes = top['classes']
        if not isinstance(classes, dict) or OTHER not in classes:
            self._refuse(f'classes needs an entry {OTHER!r} for the classes without rules')
        found = {}
        for name, one in classes.items():
            if not isinstance(name, str) or not name.strip():
                self._refuse(f'the class {name!r} is no name; put quotes around it')
            found[name] = self._class(one, name)
        return SeverityRules(classes=found, drains=tuple(drains), text=text)

    def _class(self, content: Any, name: str) -> ClassRules:
        table = self._table(content, name, ('called', 'inventory', 'index', 'grades'))
        called = self._texts(table.get('called'), f'{name}, called')
        inventory = table.get('inventory', False)
        if not isinstance(inventory, bool):
            self._refuse(f'{name}, inventory is {inventory!r}, expected true or false')
        if inventory:
            if 'grades' in table or 'index' in table:
                self._refuse(f'{name} is an inventory, which has no grades and no index')
            if name == OTHER:
                self._refuse(f'{OTHER} is for everything without rules and needs grades')
            return ClassRules(called=called)
        grades = table.get('grades')
        if not isinstance(grades, list) or not grades:
            self._refuse(f'{name} has no list of grades, and is no inventory')
        rules = tuple(self._grade(one, f'{name}, grade {k}') for k, one in enumerate(grades, 1))
        order = list(Severity)
        for k, rule in enumerate(rules, 1):
            if not rule.conditions and k < len(rules):
                self._refuse(
                    f'{name}, grade {k} has no conditions, so those after it never count; it '
                    'has to be the last'
                )
            if k > 1 and order.index(rule.severity) > order.index(rules[k - 2].severity):
                self._refuse(
                    f'{name}, grade {k} is {rule.severity.value} and stands after '
                    f'{rules[k - 2].severity.value}; the worst grades come first'
                )
        if rules[-1].conditions:
            self._refuse(
                f'{name} has conditions in its last grade; add one without for everything else'
            )
        return ClassRules(called=called, grades=rules, deducts=self._deducts(table, name))

    def _grade(self, content: Any, where: str) -> GradeRule:
        table = self._table(content, where, ('severity', 'action', 'when', 'because'))
        severity = self._choice(table.get('severity'), [one.value for one in Severity], where)
        action = self._choice(table.get('action'), [one.value for one in Action], where)
        conditions = []
        if 'when' in table:
            when = self._table(table['when'], f'{where}, when', tuple(CONDITIONS))
            if not when:
                self._refuse(f'{where}, when is empty; leave it out in the last grade')
            for name, limit in when.items():
                measure, is_over = CONDITIONS[name]
                value = self._number(limit, f'{where}, {name}', zero=True)
                conditions.append(Condition(measure, value, is_over))
        return GradeRule(
            severity=Severity(severity),
            action=Action(action),
            conditions=tuple(conditions),
            because=self._texts(table.get('because'), f'{where}, because'),
        )

    def _deducts(self, content: dict[str, Any], name: str) -> Deducts:
        names = ('measured_by', 'full_at', *(one.value for one in Severity))
        table = self._table(content.get('index'), f'{name}, index', names, needed=True)
        measured_by = self._choice(table['measured_by'], MEASURED_BY, f'{name}, index')
        full_at = self._number(table['full_at'], f'{name}, index, full_at')
        points = {
            one: self._number(table[one.value], f'{name}, index, {one.value}', zero=True)
            for one in Severity
        }
        rising = [points[one] for one in Severity]
        if rising != sorted(rising) or rising[-1] > 100:
            self._refuse(
                f'{name}, index has {rising} points for low, medium and high, expected rising '
                'ones up to 100'
            )
        return Deducts(measured_by=measured_by, full_at=full_at, points=points)

    def _table(
        self, content: Any, where: str, names: Collection[str], *, needed: bool = False
    ) -> dict[str, Any]:
        if not isinstance(content, dict):
            self._refuse(f'{where} is {_short(content)}, expected a table of {", ".join(names)}')
        for name in content:
            if name not in names:
                near = difflib.get_close_matches(str(name), list(names), n=1)
                hint = f'; did you mean {near[0]}' if near else ''
                self._refuse(f'{where} has {_short(name)}, expected {", ".join(names)}{hint}')
        missing = [name for name in names if needed and name not in content]
        if missing:
            self._refuse(f'{where} lacks {", ".join(missing)}')
        return content

    def _texts(self, content: Any, where: str) -> dict[str, str]:
        table = self._table(content, where, LANGUAGES, needed=True)
        for language, text in table.items():
            if not isinstance(text, str) or not text.strip():
                self._refuse(f'{where}, {language} is {_short(text)}, expected a text')
        return table

    def _choice(self, value: Any, choices: Collection[str], where: str) -> str:
        if not isinstance(value, str) or value not in choices:
            self._refuse(f'{where} has {_short(value)}, expected one of {", ".join(choices)}')
        return value

    def _number(self, value: Any, where: str, *, zero: bool = False) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
            least = '0 or more' if zero else 'above 0'
            self._refuse(f'{where} is {_short(value)}, expected a number {least}')
        return float(value)

    def _refuse(self, fault: str) -> NoReturn:
        msg = f'{self._path}: {fault}.'
        raise FindingsError(msg)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
