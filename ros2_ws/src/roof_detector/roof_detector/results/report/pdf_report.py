# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A report as PDF/A-3 by Typst, with its table and its store attached."""

from __future__ import annotations

import json
from dataclasses import is_dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typst

from roof_detector.results.errors import ExportError
from roof_detector.results.report.pdf_fonts import CJK_PACKAGE, cjk_family, missing_characters
from roof_detector.results.report.report_model import EncodedImage
from roof_detector.results.report.shown_text import breakable_text

if TYPE_CHECKING:
    from roof_detector.results.report.report_model import InspectionReport

_TEMPLATE = Path(__file__).parent / 'static' / 'report.typ'
_SUFFIXES = {'jpeg': 'jpg', 'png': 'png', 'svg': 'svg'}


def require_fonts(language: str) -> None:
    """Raise ExportError if no installed font has the characters of a language."""
    if language == 'zh' and cjk_family() is None:
        msg = (
            'The PDF cannot be written in Chinese: no font with Chinese characters is installed. '
            f'Install one (apt install {CJK_PACKAGE}), or take the HTML file, which needs none.'
        )
        raise ExportError(msg)


def pdf_report(report: InspectionReport) -> bytes:
    """Return the PDF; the same report and fonts give the same bytes. Raises ExportError.

    All texts go to Typst as data, so that no character of them is markup. Characters that no font
    has are written as their code, and a remark says so; a Chinese report without a Chinese font is
    refused.
    """
    require_fonts(report.language)
    family = cjk_family()
    attachments, report = report.attachments, replace(report, attachments={})
    with TemporaryDirectory(prefix='roof_detector_') as name:
        folder = Path(name)
        content = _plain(report, folder)
        texts = json.dumps(content, ensure_ascii=False)
        lost = missing_characters(texts, family)
        if lost:
            codes = ', '.join(f'U+{ord(one):04X}' for one in sorted(lost))
            content['remarks'].append(report.words['missing_glyphs'].format(codes=codes))
            table = {ord(one): f'[U+{ord(one):04X}]' for one in lost}
            texts = json.dumps(content, ensure_ascii=False).translate(table)
        (folder / 'report.json').write_text(texts, encoding='utf-8')
        for file_name, data in attachments.items():
            (folder / file_name).write_bytes(data)
        main = folder / 'main.typ'
        main.write_bytes(_TEMPLATE.read_bytes())
        inputs = {
            'cjk': family or '',
            'attachments': json.dumps(sorted(attachments)),
        }
        try:
            return typst.compile(
                main,
                root=folder,
                format='pdf',
                sys_inputs=inputs,
                pdf_standards='a-3b',
                timestamp=datetime.fromtimestamp(report.stamp_s, tz=timezone.utc),
                package_path=folder,
                package_cache_path=folder,
            )
        except (RuntimeError, ValueError, TypeError) as error:
            reason = ' '.join(str(error).split())[:500]
            msg = f'The PDF cannot be set ({reason}). Take the HTML report, and report this.'
            raise ExportError(msg) from error


def _plain(value: Any, folder: Path) -> Any:
    """Return dataclasses as tables; images become files, and their names stand for them."""
    if isinstance(value, EncodedImage):
        name = f'image{len(list(folder.iterdir())):05d}.{_SUFFIXES[value.kind]}'
        (folder / name).write_bytes(value.data)
        return {'file': name, 'width': value.size_wh[0], 'height': value.size_wh[1]}
    if isinstance(value, str):
        return breakable_text(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field: _plain(getattr(value, field), folder) for field in vars(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(one, folder) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one, folder) for key, one in value.items()}
    return value
