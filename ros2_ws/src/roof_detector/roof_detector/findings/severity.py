# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How bad a finding is and what to do about it, with the sentence that says why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from roof_detector.findings.severity_sentences import grade_text, measure_text

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ('en', 'zh')
OTHER = 'other'


class Severity(str, Enum):
    """How bad a finding is, in rising order."""

    LOW = 'low'
    MEDIUM = 'medium'
    HIGH = 'high'


class Action(str, Enum):
    """What to do about a finding, in rising order."""

    MONITOR = 'monitor'
    REPAIR = 'repair'
    URGENT = 'urgent'


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What the conditions of grades are about; None is what was not measured.

    `per_100_m2` counts the findings of the class within a circle of 100 m^2, itself included.
    """

    length_m: float | None = None
    area_m2: float | None = None
    per_100_m2: float | None = None
    drain_m: float | None = None
    edge_m: float | None = None


@dataclass(frozen=True)
class Condition:
    """A measure that has to be over, or within, a limit."""

    measure: str
    limit: float
    is_over: bool

    def holds(self, measures: Measures) -> bool:
        """Return whether it is true; of what was not measured nothing is."""
        value: float | None = getattr(measures, self.measure)
        if value is None:
            return False
        return value > self.limit if self.is_over else value <= self.limit


@dataclass(frozen=True, kw_only=True)
class GradeRule:
    """One grade of a class: it counts where all conditions hold."""

    severity: Severity
    action: Action
    conditions: tuple[Condition, ...]
    because: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Deducts:
    """What findings of a class take from the condition index of 100.

    `measured_by` is area, length or count; `points` are for `full_at` of that on 100 m^2.
    """

    measured_by: str
    full_at: float
    points: Mapping[Severity, float]


@dataclass(frozen=True, kw_only=True)
class ClassRules:
    """The rules of one class; an inventory has neither grades nor deducts."""

    called: Mapping[str, str]
    grades: tuple[GradeRule, ...] = ()
    deducts: Deducts | None = None

    @property
    def is_inventory(self) -> bool:
        """Return whether findings of the class are counted and not graded."""
        return not self.grades


@dataclass(frozen=True, kw_only=True)
class Grade:
    """The severity of one finding, the action, and why, in each language.

    `decided_by` is the person whose decision replaced what the rules say, '' for none.
    """

    severity: Severity
    action: Action
    sentences: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    decided_by: str = ''

    def sentence(self, language: str) -> str:
        """Return why it is so, in a language of `LANGUAGES`."""
        return self.sentences.get(language, '')


@dataclass(frozen=True, kw_only=True)
class SeverityRules:
    """The rules of all classes, as a file has them; `text` is that file."""

    classes: Mapping[str, ClassRules]
    drains: tuple[str, ...]
    text: str = ''

    def of(self, class_name: str) -> ClassRules:
        """Return the rules of a class, those of `other` where it has none."""
        return self.classes.get(class_name, self.classes[OTHER])

    def called(self, class_name: str, language: str) -> str:
        """Return what people call a class, its own name where the rules do not know it."""
        rules = self.classes.get(class_name)
        return class_name if rules is None else rules.called[language]

    def grade(self, class_name: str, measures: Measures) -> Grade | None:
        """Return the grade of a finding with its reason, None for a class of the inventory."""
        rules = self.of(class_name)
        if rules.is_inventory:
            return None
        unknown: list[str] = []
        for rule in rules.grades:
            if all(one.holds(measures) for one in rule.conditions):
                return Grade(
                    severity=rule.severity,
                    action=rule.action,
                    sentences={
                        language: _reason(rule, measures, unknown, language)
                        for language in LANGUAGES
                    },
                )
            unknown += [
                one.measure for one in rule.conditions if getattr(measures, one.measure) is None
            ]
        msg = f'The rules of {class_name!r} end without a grade for everything else.'
        raise AssertionError(msg)


def _reason(rule: GradeRule, measures: Measures, unknown: list[str], language: str) -> str:
    facts = [
        measure_text(
            one.measure,
            getattr(measures, one.measure),
            limit=one.limit,
            is_over=one.is_over,
            language=language,
        )
        for one in rule.conditions
    ]
    because = rule.because[language]
    return grade_text(because, facts, tuple(dict.fromkeys(unknown)), language=language)
