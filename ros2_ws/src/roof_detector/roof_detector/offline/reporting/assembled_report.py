# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Assembles the report of an inspection from its file, its images and what a person adds."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import shapely

from roof_detector.findings.decided_grades import decided_grades
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_area import InspectionArea
from roof_detector.findings.roof_zones import read_zones
from roof_detector.findings.severity_file import read_severity, shipped_severity
from roof_detector.findings.surroundings import grades_of
from roof_detector.inputs.raster_file import RasterFile
from roof_detector.offline.inspection_images import InspectionImages
from roof_detector.offline.reporting.finding_images import finding_images
from roof_detector.offline.reporting.report_coverage import (
    condition_rows,
    coverage_lead,
    coverage_map,
    coverage_notes,
    coverage_shares,
    roof_coverage,
)
from roof_detector.offline.reporting.report_findings import ReportedFindings
from roof_detector.offline.reporting.report_method import (
    change_table,
    method_texts,
    recall_table,
)
from roof_detector.offline.reporting.report_plan import (
    ground_of_files,
    ground_of_raster,
    roof_plan,
)
from roof_detector.offline.roof_mosaic import lay_mosaic
from roof_detector.results.errors import ExportError
from roof_detector.results.report.branding import Branding
from roof_detector.results.report.report_model import Fact, InspectionReport, Signature
from roof_detector.results.report.report_texts import report_texts
from roof_detector.results.text import utc_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    from roof_detector.findings.changes import Inspected
    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.roof_zones import RoofZone
    from roof_detector.offline.reporting.finding_images import FindingImages
    from roof_detector.offline.reporting.inspection_content import InspectionContent
    from roof_detector.offline.reporting.report_settings import ReportDetails, ReportSettings
    from roof_detector.results.report.report_model import (
        ConditionRow,
        EncodedImage,
        Plan,
        Share,
    )

# What all images of findings take together, and each at most.
_MOST_IMAGE_BYTES = 13_000_000
_MOST_OF_ONE = 100_000
_FIRST_DATE = datetime(1980, 1, 1, tzinfo=timezone.utc)


def assembled_report(
    content: InspectionContent,
    folder: Path,
    settings: ReportSettings,
    details: ReportDetails,
    *,
    branding: Branding | None = None,
    logo: EncodedImage | None = None,
    previous: Inspected | None = None,
    attachments: Mapping[str, bytes] | None = None,
) -> InspectionReport:
    """Return the report of the inspection in a folder; raise FindingsError.

    Whatever cannot be shown, such as images that are gone, is said in its place.
    """
    branding = branding or Branding()
    language = settings.language_of(branding)
    words = report_texts(language)
    rules = shipped_severity() if settings.severity is None else read_severity(settings.severity)
    zones_file, area_file = settings.zones_file(folder), settings.area_file(folder)
    zones = () if zones_file is None else read_zones(zones_file)
    outline = shapely.union_all([zone.polygons for zone in zones]) if zones else None
    findings = content.findings
    decided = decided_grades(findings, content.decisions, rules)
    grades = grades_of(findings, rules, outline=outline, decided=decided)
    reported = ReportedFindings(content, grades, rules, zones, words=words, language=language)
    images = InspectionImages(folder, content.inputs, images=settings.images, language=language)
    encoded = _finding_images(content, reported.findings, images)
    area = None if area_file is None else InspectionArea.read(area_file)
    coverage = roof_coverage(content, zones, area)
    plan, why_none, notes = _plan(
        content,
        folder,
        settings,
        reported=reported,
        zones=zones,
        images=images,
        words=words,
    )
    lead, seen_map, unmeasured = words['coverage_unknown'], None, 0
    shares: tuple[Share, ...] = ()
    coverage_lines: tuple[str, ...] = ()
    condition: tuple[ConditionRow, ...] = ()
    if coverage is not None:
        lead, shares = coverage_lead(coverage, words), coverage_shares(coverage, words)
        coverage_lines, seen_map = coverage_notes(coverage, words), coverage_map(coverage)
        condition, unmeasured = condition_rows(
            content, coverage, zones, grades=grades, rules=rules, words=words
        )
    elif any(one.place is not None for one in findings):
        lead = words['coverage_ortho']
    condition_note = words['condition_note' if condition else 'condition_none']
    if unmeasured:
        condition_note += ' ' + words['condition_unmeasured'].format(count=unmeasured)
    changed, changes_note = None, words['changes_none']
    if previous is not None and settings.previous is not None:
        changed, changes_note = change_table(
            previous, content, rules, words, language, name=settings.previous.name
        )
    remarks = [details.remarks] if details.remarks else []
    remarks += [*dict.fromkeys([*images.notes, *notes])]
    if content.lost_decisions:
        remarks.append(words['decisions_lost'].format(count=content.lost_decisions))
    if attachments:
        names = words['between'].join(sorted(attachments))
        remarks.append(words['attached'].format(names=names))
    date, stamp = _date(content, details, images, words)
    return InspectionReport(
        language=language,
        title=branding.title or words['report_title'],
        roof=details.roof or words['unnamed_roof'],
        date_text=date,
        stamp_s=stamp,
        accent=branding.colour,
        logo=logo,
        words=dict(words),
        facts=_facts(content, details, images, words, date=date),
        coverage_lead=lead,
        coverage_shares=shares,
        coverage_notes=coverage_lines,
        coverage_map=seen_map,
        tiles=reported.tiles(),
        summary=reported.summary(),
        condition=condition,
        condition_note=condition_note,
        plan=plan,
        plan_missing=why_none,
        cards=tuple(reported.card(one, encoded.get(one.uuid)) for one in reported.findings),
        tables=reported.tables(),
        changes=changed,
        changes_note=changes_note,
        method=method_texts(
            content,
            words,
            severity_file='' if settings.severity is None else settings.severity.name,
        ),
        method_tables=recall_table(content, rules, words, language),
        people=tuple(
            Fact(label, value)
            for label, value in ((words['reviewers'], reported.reviewers()),)
            if value
        ),
        signatures=(
            Signature(role=words['inspector'], name=details.pilot),
            Signature(role=words['reviewer'], name=details.reviewer),
            Signature(role=words['approver'], name=details.engineer),
        ),
        appendix=reported.appendix(),
        remarks=tuple(remarks),
        attachments=dict(attachments or {}),
    )


def _finding_images(
    content: InspectionContent, findings: Sequence[RoofFinding], images: InspectionImages
) -> dict[UUID, FindingImages]:
    """Return the images of findings whose frames are found, by their identities."""
    shown: dict[tuple[str, str, int], list[RoofFinding]] = {}
    # The first frame of each flight tells when it was flown.
    wanted = {one.key[0]: one for one in reversed(content.frames)}
    frames = {one.key: one for one in wanted.values()}
    for one in findings:
        frame = content.frame_of(one)
        if frame is not None:
            shown.setdefault(frame.key, []).append(one)
            frames[frame.key] = frame
    most_bytes = min(_MOST_OF_ONE, _MOST_IMAGE_BYTES // max(len(findings), 1))
    found: dict[UUID, FindingImages] = {}
    for frame, image in images.read(frames.values()):
        for one in shown.get(frame.key, ()):
            try:
                found[one.uuid] = finding_images(image, one.best.box_xyxy, most_bytes=most_bytes)
            except ExportError as error:
                images.note('images_failed', flight=frame.name, error=error)
    return found


def _plan(
    content: InspectionContent,
    folder: Path,
    settings: ReportSettings,
    *,
    reported: ReportedFindings,
    zones: Sequence[RoofZone],
    images: InspectionImages,
    words: Mapping[str, str],
) -> tuple[Plan | None, str, tuple[str, ...]]:
    """Return the plan, or why there is none, and notes."""
    notes: list[str] = []
    try:
        if settings.plan is not None:
            ground = ground_of_raster(settings.plan)
            caption = words['plan_caption_given'].format(name=settings.plan.name)
        elif content.grounded:
            assert content.plane is not None
            output = settings.output or folder
            files = lay_mosaic(content.grounded, content.plane, images, output, reuse=True)
            notes += files.notes
            ground = ground_of_files(files, words)
            caption = words['plan_caption'].format(
                count=files.frames, resolution=f'{100 * files.metres_per_pixel:.1f}'
            )
        else:
            raster = _orthophoto(content, images)
            if raster is None:
                return None, words['plan_no_telemetry'], ()
            ground = ground_of_raster(raster)
            caption = words['plan_caption_given'].format(name=raster.name)
    except (FindingsError, ExportError) as error:
        if settings.plan is not None:
            raise  # what a person named has to be right
        key = 'plan_failed' if isinstance(error, FindingsError) else 'plan_not_written'
        return None, words[key].format(reason=error), ()
    marks = {one.number: reported.severity(one) for one in reported.findings}
    lost = sum(one.place is None for one in reported.findings)
    if lost:
        caption += ' ' + words['plan_missing_marks'].format(count=lost)
    plan = roof_plan(ground, reported.findings, marks, zones, caption=caption)
    return plan, '', tuple(notes)


def _orthophoto(content: InspectionContent, images: InspectionImages) -> Path | None:
    """Return the file of an orthophoto among the inputs."""
    for _, image in images.read(content.frames[:1]):
        if isinstance(image, RasterFile) and image.georeference is not None:
            return image.path
    return None


def _facts(
    content: InspectionContent,
    details: ReportDetails,
    images: InspectionImages,
    words: Mapping[str, str],
    *,
    date: str,
) -> tuple[Fact, ...]:
    flights = list(dict.fromkeys(one.key[0] for one in content.frames))
    placed = len(content.grounded)
    frames = words['frames_value'].format(count=len(content.frames))
    if placed < len(content.frames):
        frames = words['frames_placed'].format(count=len(content.frames), placed=placed)
    cameras = list(dict.fromkeys(name for name in images.cameras.values() if name))
    unknown = words['not_recorded']
    shown = flights if len(flights) <= 4 else [*flights[:3], f'… ({len(flights)})']
    optional = ((words['address'], details.address), (words['customer'], details.customer))
    last = ((words['weather'], details.weather), (words['report_number'], details.number))
    return (
        *(Fact(label, value) for label, value in optional if value),
        Fact(words['date'], date),
        Fact(words['aircraft'], details.aircraft or ', '.join(cameras) or unknown),
        Fact(words['flights'], ', '.join(shown) or unknown),
        Fact(words['frames'], frames),
        *(Fact(label, value) for label, value in last if value),
    )


def _date(
    content: InspectionContent,
    details: ReportDetails,
    images: InspectionImages,
    words: Mapping[str, str],
) -> tuple[str, int]:
    """Return the date of the flight as a text, and in seconds from 1970 for the file."""
    moments = [images.moments[one] for one in sorted(images.moments)]
    utc = [utc_time(one.utc_ns) for one in moments if one.utc_ns is not None]
    utc += [utc_time(one.stamp_ns) for one in content.frames[:1]]
    known = [one for one in utc if one is not None]
    local = [datetime.fromisoformat(one.local) for one in moments if one.local]
    text, taken = words['not_recorded'], _FIRST_DATE
    if known:
        taken = min(known)
        text = words['date_utc'].format(date=f'{taken:%Y-%m-%d %H:%M}')
    elif local:
        taken = min(local).replace(tzinfo=timezone.utc)
        text = words['date_local'].format(date=f'{taken:%Y-%m-%d %H:%M}')
    return details.date or text, int(taken.timestamp())
