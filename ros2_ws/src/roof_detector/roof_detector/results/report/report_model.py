# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What stands in a report: texts in the language of the reader, and images as bytes.

Every text is shown as it is: neither page nor PDF reads markup in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SEVERITIES = ('high', 'medium', 'low', 'none')
"""The marks of findings in falling order; `none` is the inventory, which has no severity."""


@dataclass(frozen=True)
class EncodedImage:
    """An image file in bytes, `kind` is jpeg, png or svg, with its size in pixels."""

    data: bytes
    kind: str
    size_wh: tuple[int, int]


@dataclass(frozen=True)
class Fact:
    """A labelled value."""

    label: str
    value: str


@dataclass(frozen=True, kw_only=True)
class ReportTable:
    """Rows of texts below a title; `align` has l or r for each column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str = ''
    note: str = ''


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part of a bar: how much of 1, its colour as #rrggbb, what it is, and its figures."""

    share: float
    colour: str
    label: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A finding on the plan; positions are shares of the plan's width and height.

    `at` is where it is, `label_at` where its number stands.
    """

    number: int
    severity: str
    at: tuple[float, float]
    label_at: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A zone on the plan, as rings of shares of width and height, with its name."""

    name: str
    rings: tuple[tuple[tuple[float, float], ...], ...]
    label_at: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The roof from above, north up; the scale bar is `scale_share` of its width long."""

    image: EncodedImage
    markers: tuple[Marker, ...]
    outlines: tuple[Outline, ...]
    scale_share: float
    scale_text: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class FindingCard:
    """One finding; an image that is None is replaced by `missing`."""

    number: int
    class_name: str
    severity: str
    severity_text: str
    action_text: str
    reason: str
    facts: tuple[Fact, ...]
    note: str
    crop: EncodedImage | None
    context: EncodedImage | None
    missing: str = ''
    context_caption: str = ''


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A line to sign on, with the name of who is to sign where it is known."""

    role: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ConditionRow:
    """The condition index of an area: 0 to 100, its range in words, and the figures."""

    name: str
    index: int | None
    range_text: str
    area_text: str
    counts: tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class InspectionReport:
    """A whole report in the order of its pages. `words` are the headings and labels."""

    language: str
    title: str
    roof: str
    date_text: str
    stamp_s: int
    accent: str
    logo: EncodedImage | None
    words: dict[str, str]
    facts: tuple[Fact, ...]
    coverage_lead: str
    coverage_shares: tuple[Share, ...]
    coverage_notes: tuple[str, ...]
    coverage_map: EncodedImage | None
    tiles: tuple[Share, ...]
    summary: tuple[str, ...]
    condition: tuple[ConditionRow, ...]
    condition_note: str
    plan: Plan | None
    plan_missing: str
    cards: tuple[FindingCard, ...]
    tables: tuple[ReportTable, ...]
    changes: ReportTable | None
    changes_note: str
    method: tuple[tuple[str, str], ...]
    method_tables: tuple[ReportTable, ...]
    people: tuple[Fact, ...]
    signatures: tuple[Signature, ...]
    appendix: ReportTable
    remarks: tuple[str, ...] = ()
    attachments: dict[str, bytes] = field(default_factory=dict)
