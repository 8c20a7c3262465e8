# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.simulation import classes
from roof_detector.simulation.surfaces.canvas import Canvas
from roof_detector.simulation.surfaces.defect import DEFECTS, paint_crack
from roof_detector.simulation.surfaces.lettering import EMBLEMS, cover_of, placed, word
from roof_detector.simulation.surfaces.marking import MARKS, marks
from roof_detector.simulation.surfaces.surface import paint_surface


def canvas_of(level: float) -> Canvas:
    canvas = Canvas((8.0, 6.0), metres_per_px=0.02)
    canvas.fill((level, level, level))
    return canvas


def test_no_marks_leave_a_roof_as_it_is() -> None:
    canvas = canvas_of(120.0)
    marks(canvas, np.random.default_rng(0), count=0)
    assert (canvas.planes == 120.0).all()


@pytest.mark.parametrize('mark', [row[0] for row in MARKS], ids=lambda mark: mark.__name__)
def test_a_mark_changes_the_roof_but_labels_nothing(mark) -> None:
    changed = 0
    for seed in range(4):
        canvas = canvas_of(120.0)
        mark(canvas, np.random.default_rng(seed))
        changed += bool((canvas.planes != 120.0).any())
        assert not canvas.ids.any()
    assert changed > 0


def test_lettering_is_laid_where_it_is_asked_for() -> None:
    rng = np.random.default_rng(1)
    assert 2 <= len(word(rng, letters=(2, 4))) <= 4
    for text in ('Ab3', *EMBLEMS):
        cover = placed(cover_of(text, rng), (200, 300), centre_xy=(220, 60), width_px=80, turn=0.5)
        rows, columns = np.nonzero(cover > 0.3)
        assert abs(columns.mean() - 220) < 20 and abs(rows.mean() - 60) < 20
        assert 30 < np.ptp(columns) < 120


@pytest.mark.parametrize('kind', ['concrete', 'bitumen'])
def test_a_labelled_crack_can_be_told_from_its_roof(kind: str) -> None:
    for seed in range(4):
        canvas = Canvas((8.0, 6.0), metres_per_px=0.02)
        paint_surface(kind, canvas, np.random.default_rng(seed))
        before = canvas.planes.mean(axis=0)
        width = paint_crack(canvas, (4.0, 3.0), np.random.default_rng(seed), instance=5)
        assert 0.01 < width < 0.08
        crack = canvas.ids == 5
        assert crack.any()
        assert np.abs(canvas.planes.mean(axis=0) - before)[crack].mean() > 12


def test_a_crack_is_wider_where_the_roof_is_spotted() -> None:
    plain, spotted = canvas_of(150.0), canvas_of(150.0)
    rng = np.random.default_rng(3)
    spotted.planes += 40 * rng.standard_normal(spotted.shape_hw).astype(np.float32)
    widths = [
        paint_crack(canvas, (4.0, 3.0), np.random.default_rng(8), instance=1)
        for canvas in (plain, spotted)
    ]
    assert widths[1] > 1.5 * widths[0]


def test_only_thin_things_tell_a_width() -> None:
    for class_id, (painter, _) in DEFECTS.items():
        width = painter(canvas_of(120.0), (4.0, 3.0), np.random.default_rng(2), instance=1)
        assert (width is not None) == (class_id == classes.CRACK)


def test_worn_concrete_runs_from_nearly_black_to_nearly_white() -> None:
    darkest, brightest = [], []
    for seed in range(8):
        canvas = Canvas((8.0, 6.0), metres_per_px=0.04)
        paint_surface('concrete', canvas, np.random.default_rng(seed))
        low, high = np.percentile(canvas.planes, [1, 99])
        darkest.append(low)
        brightest.append(high)
    assert min(darkest) < 60
    assert max(brightest) > 215
