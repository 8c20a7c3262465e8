# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest

from roof_detector.doctor.finding import Verdict
from roof_detector.doctor.fonts import check_fonts
from roof_detector.results.report import pdf_fonts


@pytest.mark.parametrize(('family', 'verdict'), [(None, Verdict.WARN), ('Noto', Verdict.OK)])
def test_a_missing_font_names_its_package(monkeypatch, family, verdict):
    monkeypatch.setattr(pdf_fonts, 'cjk_family', lambda: family)
    (finding,) = check_fonts()
    assert finding.verdict is verdict
    assert (family or 'apt install fonts-wqy-zenhei') in finding.message + finding.remedy
