# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check that reports can be written as PDF, in Chinese too."""

from __future__ import annotations

from importlib.util import find_spec

from roof_detector.doctor.finding import Finding, ok, warn

_SUBJECT = 'report fonts'


def check_fonts() -> list[Finding]:
    """Check for a font with Chinese characters; that for English comes with typst."""
    if find_spec('typst') is None:
        return [
            warn(_SUBJECT, 'typst is not installed: there are no PDF reports.', 'pip install .')
        ]
    from roof_detector.results.report.pdf_fonts import CJK_PACKAGE, cjk_family  # noqa: PLC0415

    family = cjk_family()
    if family is None:
        return [
            warn(
                _SUBJECT,
                'No font with Chinese characters: PDF reports are in English only, HTML in both.',
                f'sudo apt install {CJK_PACKAGE}',
            )
        ]
    return [ok(_SUBJECT, f'PDF reports in English and Chinese ({family}).')]
