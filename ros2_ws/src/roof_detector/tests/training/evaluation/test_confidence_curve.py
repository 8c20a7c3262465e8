# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation.confidence_curve import ConfidenceCurve
from training.evaluation.ranking import IOUS, Ranking

FLOOR = 0.001


def curve_of(found, instances):
    """Make a curve of (score, right) pairs."""
    found = sorted(found, reverse=True)
    hits = np.tile([right for _, right in found], (len(IOUS), 1)).reshape(len(IOUS), -1)
    return ConfidenceCurve.of(
        Ranking(
            scores=np.array([score for score, _ in found]),
            hits=hits.astype(bool),
            counted=np.ones_like(hits, bool),
            images=np.zeros(len(found), np.intp),
            positives=np.array([instances]),
        )
    )


ANSWERS = st.lists(
    st.tuples(st.sampled_from([0.002, 0.1, 0.1001, 0.25, 0.5, 0.9]), st.booleans()), max_size=12
)


def test_where_nothing_was_found_there_is_no_best_confidence():
    curve = curve_of([], 3)
    assert curve.best() is None
    point = curve.at(0.25)
    assert (point.right, point.wrong, point.missed) == (0, 0, 3)
    assert point.precision is None and point.recall == 0 and point.f1 == 0


def test_where_only_wrong_things_were_found_there_is_no_best_confidence():
    assert curve_of([(0.9, False), (0.3, False)], 3).best() is None


def test_things_of_one_score_are_kept_or_dropped_together():
    curve = curve_of([(0.5, True), (0.5, False), (0.2, True)], 2)
    assert curve.scores.tolist() == [0.5, 0.2]
    assert curve.precision.tolist() == [0.5, 2 / 3]


def test_a_score_equal_to_the_confidence_is_dropped_as_the_node_drops_it():
    assert curve_of([(0.5, True)], 1).at(0.5).right == 0
    assert curve_of([(0.5, True)], 1).at(0.4999).right == 1


@settings(deadline=None)
@given(ANSWERS, st.integers(0, 5))
def test_no_other_confidence_has_a_higher_f1(found, missed):
    instances = missed + sum(right for _, right in found)
    curve = curve_of(found, instances)
    best = curve.best(floor=FLOOR)
    others = [curve.at(c).f1 for c in np.linspace(FLOOR, 1, 300)]
    if best is None:
        assert max(others) == 0
        return
    assert best.f1 >= max(others)
    assert FLOOR <= best.confidence < 1
    kept = [right for score, right in found if score > best.confidence]
    assert (best.right, best.wrong) == (sum(kept), len(kept) - sum(kept))
    assert best.right + best.missed == instances


@settings(deadline=None)
@given(ANSWERS, st.integers(0, 5), st.floats(0, 1))
def test_the_asked_precision_is_reached_where_any_confidence_reaches_it(found, missed, least):
    curve = curve_of(found, missed + sum(right for _, right in found))
    best = curve.best(least_precision=least, floor=FLOOR)
    if best is None:
        return
    highest = curve.precision.max()
    if highest >= least:
        assert best.precision >= least
        rivals = curve.f1[curve.precision >= least]
        assert best.f1 == pytest.approx(rivals.max())
    else:
        assert best.precision == pytest.approx(highest)
