# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The findings of a report: cards, the sentences of the summary, tables and the appendix."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from roof_detector.findings.decisions import DecisionKind
from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.severity import Action, Severity
from roof_detector.results.report.report_model import Fact, FindingCard, ReportTable, Share
from roof_detector.results.text import iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.roof_zones import RoofZone
    from roof_detector.findings.severity import Grade, SeverityRules
    from roof_detector.offline.reporting.finding_images import FindingImages
    from roof_detector.offline.reporting.inspection_content import InspectionContent

_COLOURS = {'high': '#b3261e', 'medium': '#b86a00', 'low': '#2f6f4f', 'none': '#5c6773'}
_MOST_NAMED = 5
_ORDER = {'high': 0, 'medium': 1, 'low': 2, 'none': 3}


class ReportedFindings:
    """Findings with their grades and words, in the order of the report: the worst first."""

    def __init__(
        self,
        content: InspectionContent,
        grades: Mapping[UUID, Grade],
        rules: SeverityRules,
        zones: Sequence[RoofZone],
        *,
        words: Mapping[str, str],
        language: str,
    ) -> None:
        self._content = content
        self._grades = grades
        self._rules = rules
        self._zones = zones
        self._words = words
        self._language = language
        self.findings = sorted(content.reported, key=self._rank)

    def severity(self, finding: RoofFinding) -> str:
        """Return high, medium, low, or none for an inventory."""
        grade = self._grades.get(finding.uuid)
        return 'none' if grade is None else grade.severity.value

    def name(self, finding: RoofFinding) -> str:
        """Return what people call the class of a finding."""
        return self._rules.called(finding.class_name, self._language)

    def heading(self, class_name: str) -> str:
        """Return what people call a class, at the begin of a line."""
        name = self._rules.called(class_name, self._language)
        return name[:1].upper() + name[1:]

    def tiles(self) -> tuple[Share, ...]:
        """Return how many findings there are of each severity."""
        counts = Counter(self.severity(one) for one in self.findings)
        keys = {'none': 'tile_inventory'}
        return tuple(
            Share(
                share=0.0,
                colour=colour,
                label=self._words[keys.get(name, f'tile_{name}')],
                value=str(counts[name]),
            )
            for name, colour in _COLOURS.items()
        )

    def summary(self) -> tuple[str, ...]:
        """Return the sentences of the first page."""
        words, graded = self._words, [one for one in self.findings if one.uuid in self._grades]
        if not graded:
            lines = [words['lead_none']]
        else:
            severities = Counter(self._grades[one.uuid].severity for one in graded)
            actions = Counter(self._grades[one.uuid].action for one in graded)
            lines = [
                words['lead_counts'].format(
                    defects=len(graded),
                    high=severities[Severity.HIGH],
                    medium=severities[Severity.MEDIUM],
                    low=severities[Severity.LOW],
                    urgent=actions[Action.URGENT],
                    repair=actions[Action.REPAIR],
                    monitor=actions[Action.MONITOR],
                )
            ]
            worst = [one for one in graded if self.severity(one) == 'high'][:_MOST_NAMED]
            if worst:
                items = [
                    words['lead_item'].format(number=one.number, name=self.name(one))
                    for one in worst
                ]
                lines.append(words['lead_worst'].format(items=self._listed(items)))
        others = Counter(self.name(one) for one in self.findings if one.uuid not in self._grades)
        if others:
            items = [
                words['count_item'].format(count=count, name=name)
                for name, count in sorted(others.items())
            ]
            lines.append(words['lead_inventory'].format(items=self._listed(items)))
        tentative = len(self._content.of_state(FindingState.TENTATIVE))
        rejected = len(self._content.of_state(FindingState.REJECTED))
        decided = sum(one.decided for one in self._content.findings)
        for key, count in (('lead_tentative', tentative), ('lead_rejected', rejected)):
            lines += [words[key].format(count=count)] if count else []
        lines.append(
            words['lead_decided'].format(count=decided) if decided else words['lead_undecided']
        )
        return tuple(lines)

    def card(self, finding: RoofFinding, encoded: FindingImages | None) -> FindingCard:
        """Return the card of a finding; without images it says that they are gone."""
        words, grade = self._words, self._grades.get(finding.uuid)
        severity = self.severity(finding)
        reason = words['reason_inventory']
        if grade is not None:
            reason = grade.sentence(self._language)
            if grade.decided_by:
                reason = words['by_person'].format(who=grade.decided_by)
        best = finding.best
        left, top, right, bottom = best.box_xyxy
        numbers = {
            'name': best.frame.name,
            'width': round(right - left),
            'height': round(bottom - top),
        }
        caption = words['context_caption_plain'].format(**numbers)
        if math.isfinite(best.metres_per_pixel):
            resolution = f'{best.metres_per_pixel * 100:.1f} cm'
            caption = words['context_caption'].format(**numbers, resolution=resolution)
        return FindingCard(
            number=finding.number,
            class_name=self.heading(finding.class_name),
            severity=severity,
            severity_text=words[f'severity_{severity}'],
            action_text='' if grade is None else words[f'action_{grade.action.value}'],
            reason=reason,
            facts=tuple(self._facts(finding)),
            note=finding.note,
            crop=None if encoded is None else encoded.crop,
            context=None if encoded is None else encoded.context,
            missing=words['no_image'].format(name=best.frame.name),
            context_caption=caption,
        )

    def tables(self) -> tuple[ReportTable, ...]:
        """Return figures by class and zone, a table for each class, and what is only possible."""
        classes = sorted({one.class_name for one in self.findings})
        tables = [self._by_class(classes)]
        if self._zones:
            tables.append(self._by_zone(classes))
        tables += [self._of_class(name) for name in classes]
        tentative = self._content.of_state(FindingState.TENTATIVE)
        if tentative:
            tables.append(
                self._listing(self._words['table_tentative'], tentative, with_grade=False)
            )
        return tuple(tables)

    def appendix(self) -> ReportTable:
        """Return all sightings of the reported findings, a row for each finding."""
        words, rows, names, total = self._words, [], set(), 0
        for one in sorted(self.findings, key=lambda finding: finding.number):
            own = self._content.sightings.get(one.number, ())
            names |= {sighting.name for sighting in own}
            total += len(own)
            listed = ', '.join(f'{item.name} ({item.confidence:.2f})' for item in own)
            heading = self.heading(one.class_name)
            rows.append((str(one.number), heading, str(len(own)), listed))
        return ReportTable(
            title='',
            columns=(
                words['col_number'],
                words['col_class'],
                words['col_count'],
                words['col_images'],
            ),
            rows=tuple(rows),
            align='rlrl',
            note=words['appendix_note'].format(sightings=total, frames=len(names)),
        )

    def reviewers(self) -> str:
        """Return who decided anything, in the order in which they did first."""
        kinds = set(DecisionKind) - {DecisionKind.UNDO}
        names = dict.fromkeys(one.who for one in self._content.decisions if one.kind in kinds)
        return self._listed(list(names))

    def _facts(self, finding: RoofFinding) -> list[Fact]:
        words, place, size = self._words, finding.place, finding.size
        position, measured = words['position_none'], words['size_none']
        if place is not None:
            position = words['position_value'].format(
                latitude=f'{place.latitude_deg:.6f}',
                longitude=f'{place.longitude_deg:.6f}',
                radius=f'{place.radius95_m:.1f}',
            )
        if size is not None:
            measured = words['size_value'].format(
                length=f'{size.length_m:.2f}',
                width=f'{size.width_m:.2f}',
                side=f'{size.side_error_m:.2f}',
                area=f'{size.area_m2:.2f}',
                area_error=f'{size.area_error_m2:.2f}',
            )
            how = words['size_mask' if size.is_from_mask else 'size_box']
            measured += words['aside'].format(text=how)
        certainty = words['certainty_value'].format(
            existence=_certain(finding.existence),
            class_share=_certain(finding.class_probability),
            confidence=f'{finding.best.confidence:.2f}',
        )
        if finding.decided:
            certainty += words['aside'].format(text=words['decided'])
        seen = words['seen_plain' if place is None else 'seen_value'].format(
            sightings=finding.sightings,
            looks=finding.looks,
            opportunities=max(finding.opportunities, finding.sightings),
        )
        facts = [
            Fact(words['position'], position),
            Fact(words['size'], measured),
            Fact(words['certainty'], certainty),
            Fact(words['seen'], seen),
        ]
        taken = iso_time(finding.best.frame.stamp_ns)
        if taken:
            facts.append(Fact(words['when'], taken[:19].replace('T', ' ') + ' UTC'))
        zones = [zone.name for zone in self._zones if zone.contains(finding)]
        if zones:
            facts.append(Fact(words['zone'], self._listed(zones)))
        return facts

    def _by_class(self, classes: Sequence[str]) -> ReportTable:
        words, rows = self._words, []
        for name in classes:
            own = [one for one in self.findings if one.class_name == name]
            rows.append((self.heading(name), *self._figures(own)))
        return ReportTable(
            title=words['table_by_class'],
            columns=(words['col_class'], *self._figure_columns()),
            rows=tuple(rows),
            align='lrrrrrr',
        )

    def _by_zone(self, classes: Sequence[str]) -> ReportTable:
        words, rows = self._words, []
        for zone in self._zones:
            for name in classes:
                own = [
                    one for one in self.findings if one.class_name == name and zone.contains(one)
                ]
                if own:
                    rows.append((zone.name, self.heading(name), *self._figures(own)))
        return ReportTable(
            title=words['table_zone'],
            columns=(words['col_zone'], words['col_class'], *self._figure_columns()),
            rows=tuple(rows),
            align='llrrrrrr',
        )

    def _figure_columns(self) -> tuple[str, ...]:
        words = self._words
        names = ('col_count', 'col_high', 'col_medium', 'col_low')
        return (
            *(words[name] for name in names),
            words['col_total_area'],
            words['col_total_length'],
        )

    def _figures(self, findings: Sequence[RoofFinding]) -> tuple[str, ...]:
        counts = Counter(self.severity(one) for one in findings)
        graded = any(one.uuid in self._grades for one in findings)
        sizes = [one.size for one in findings if one.size is not None]
        unknown = self._words['unknown']
        return (
            str(len(findings)),
            *(str(counts[name]) if graded else unknown for name in ('high', 'medium', 'low')),
            f'{sum(one.area_m2 for one in sizes):.1f}' if sizes else unknown,
            f'{sum(one.length_m for one in sizes):.1f}' if sizes else unknown,
        )

    def _of_class(self, name: str) -> ReportTable:
        own = [one for one in self.findings if one.class_name == name]
        title = self._words['table_of'].format(name=self.heading(name))
        return self._listing(title, own, with_grade=any(o.uuid in self._grades for o in own))

    def _listing(
        self, title: str, findings: Sequence[RoofFinding], *, with_grade: bool
    ) -> ReportTable:
        words = self._words
        keys = ['col_number']
        if with_grade:
            keys += ['col_severity', 'col_action']
        else:
            keys += ['col_class']
        keys += ['col_position', 'col_radius', 'col_length', 'col_area', 'col_certainty']
        keys += ['col_sightings']
        rows = []
        for one in findings:
            place, size, grade = one.place, one.size, self._grades.get(one.uuid)
            middle: tuple[str, ...] = (self.heading(one.class_name),)
            if with_grade:
                action = 'none' if grade is None else grade.action.value
                middle = (words[f'severity_{self.severity(one)}'], words[f'action_{action}'])
            rows.append(
                (
                    str(one.number),
                    *middle,
                    words['unknown']
                    if place is None
                    else f'{place.latitude_deg:.6f}, {place.longitude_deg:.6f}',
                    words['unknown'] if place is None else f'{place.radius95_m:.1f}',
                    words['unknown'] if size is None else f'{size.length_m:.2f}',
                    words['unknown'] if size is None else f'{size.area_m2:.2f}',
                    f'{_certain(one.existence)} %',
                    str(one.sightings),
                )
            )
        return ReportTable(
            title=title,
            columns=tuple(words[key] for key in keys),
            rows=tuple(rows),
            align='rll' + 'lrrrrr' if with_grade else 'rl' + 'lrrrrr',
        )

    def _rank(self, finding: RoofFinding) -> tuple[int, int, int]:
        grade = self._grades.get(finding.uuid)
        action = 0 if grade is None else -list(Action).index(grade.action)
        return _ORDER[self.severity(finding)], action, finding.number

    def _listed(self, items: Sequence[str]) -> str:
        return self._words['between'].join(items)


def _certain(probability: float) -> str:
    """Return a probability in percent; what was computed is never quite sure."""
    return '>99' if probability > 0.99 else f'{100 * probability:.0f}'
