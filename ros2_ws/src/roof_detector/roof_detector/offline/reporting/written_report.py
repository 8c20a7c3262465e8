# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Writes the report of an inspection: report.html, and report.pdf where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roof_detector.findings.inspection_path import STORE_NAME, inspection_path
from roof_detector.offline.finding_tables import write_tables
from roof_detector.offline.reporting.assembled_report import assembled_report
from roof_detector.offline.reporting.inspection_content import read_content
from roof_detector.offline.reporting.report_settings import details_of, leave_details
from roof_detector.offline.store_snapshot import snapshot
from roof_detector.results.atomic_output import AtomicOutput
from roof_detector.results.errors import export_errors
from roof_detector.results.report.branding import read_branding
from roof_detector.results.report.html_report import html_report
from roof_detector.results.report.pdf_report import pdf_report, require_fonts

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.findings.changes import Inspected
    from roof_detector.offline.reporting.report_settings import ReportSettings

HTML_NAME, PDF_NAME = 'report.html', 'report.pdf'


@dataclass(frozen=True)
class WrittenReport:
    """The files of a report, and how many findings it shows."""

    files: tuple[Path, ...]
    findings: int
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the lines to print for the user."""
        named = ', '.join(map(str, self.files))
        return [f'Report of {self.findings} findings: {named}.', *(f'  {n}' for n in self.notes)]


def write_report(inspection: Path, settings: ReportSettings) -> WrittenReport:
    """Write the report of an inspection, named by its folder or its store.

    Files appear when all of them are complete. The store is only read. Raises FindingsError,
    ReplayError or ExportError with a sentence, and then nothing is written.
    """
    path = inspection_path(inspection)
    folder = path.parent
    output = settings.output or folder
    branding = logo = None
    if settings.station is not None:
        branding = read_branding(settings.station)
        logo = branding.image('logo', settings.station.parent)
    if settings.pdf:
        require_fonts(settings.language_of(branding))
    details = details_of(folder, settings.details)
    with export_errors(output):
        output.mkdir(parents=True, exist_ok=True)
        names = [HTML_NAME, *([PDF_NAME] if settings.pdf else [])]
        files = [AtomicOutput(output / name, overwrite=settings.overwrite) for name in names]
    try:
        previous = None if settings.previous is None else _inspected(settings.previous)
        with snapshot(path) as (copy, content_bytes):
            content = read_content(copy)
            attachments = {}
            if settings.pdf:
                (table, *_) = write_tables(copy.parent, content.findings, {})
                attachments = {'findings.csv': table.read_bytes(), STORE_NAME: content_bytes}
            report = assembled_report(
                content,
                folder,
                settings,
                details,
                branding=branding,
                logo=logo,
                previous=previous,
                attachments=attachments,
            )
        for file in files:
            with export_errors(file.path):
                if file.path.name == PDF_NAME:
                    file.part.write_bytes(pdf_report(report))
                else:
                    text = html_report(replace(report, attachments={}))
                    file.part.write_text(text, encoding='utf-8')
        for file in files:
            with export_errors(file.path):
                file.finish()
        if settings.details is None:
            leave_details(folder)
    except BaseException:
        for file in files:
            file.discard()
        raise
    notes = (*settings.drawn_notes(folder), *report.remarks)
    return WrittenReport(tuple(file.path for file in files), len(report.cards), notes)


def _inspected(inspection: Path) -> Inspected:
    with snapshot(inspection_path(inspection)) as (copy, _):
        return read_content(copy).inspected
