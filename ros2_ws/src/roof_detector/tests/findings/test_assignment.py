# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The own assignment costs what SciPy's does, which is not installed on a drone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from roof_detector.findings.assignment import assign
from roof_detector.findings.duplicates import near_pairs


def least_cost(cost, allowed):
    """Return the least total cost, with a place for each row in which it stays alone."""
    worth = np.where(allowed, np.minimum(cost, 0.0), 0.0)
    padded = np.hstack([worth, np.zeros((len(cost), len(cost)))])
    rows, columns = linear_sum_assignment(padded)
    return padded[rows, columns].sum()


@pytest.mark.parametrize('shape', [(0, 0), (0, 3), (3, 0)])
def test_of_nothing_nothing_is_assigned(shape):
    rows, columns = assign(np.zeros(shape), np.ones(shape, np.bool_))
    assert len(rows) == len(columns) == 0


@settings(deadline=None, max_examples=200)
@given(
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    share=st.floats(0.05, 1.0),
    seed=st.integers(0, 2**20),
)
def test_pairs_are_allowed_used_once_and_cost_least(rows, columns, share, seed):
    random = np.random.default_rng(seed)
    cost = random.normal(-1, 2, (rows, columns)).round(1)  # with ties
    allowed = random.random((rows, columns)) < share
    first, second = assign(cost, allowed)
    assert allowed[first, second].all() and (cost[first, second] < 0).all()
    assert len(set(first)) == len(set(second)) == len(first)
    assert list(first) == sorted(first)
    assert cost[first, second].sum() == pytest.approx(least_cost(cost, allowed))


def test_a_crowd_is_assigned_at_the_least_cost():
    random = np.random.default_rng(1)
    cost = -random.random((90, 70))
    everything = np.ones(cost.shape, np.bool_)
    rows, columns = assign(cost, everything)
    assert cost[rows, columns].sum() == pytest.approx(least_cost(cost, everything))


@pytest.mark.parametrize('count', [0, 1, 2, 300])
def test_near_pairs_are_those_of_a_tree(count):
    points = np.random.default_rng(count).uniform(0, 40, (count, 2)).round(1)
    points[: count // 10] = 7.0  # at one place
    found = {frozenset(pair) for pair in near_pairs(points, 3.0).tolist()}
    expected = cKDTree(points).query_pairs(3.0) if count else set()
    assert found == {frozenset(pair) for pair in expected}
