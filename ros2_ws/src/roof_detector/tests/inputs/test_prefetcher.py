# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.inputs.prefetcher import Prefetcher


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(), max_size=20), st.integers(1, 5))
def test_everything_comes_once_and_in_order(items, depth):
    assert list(Prefetcher(items, depth=depth)) == items


def test_no_more_is_done_ahead_than_was_asked_for():
    begun = []
    third = threading.Event()

    def items():
        for k in count():
            begun.append(k)
            if k == 2:
                third.set()
            yield k

    ahead = Prefetcher(items(), depth=3)
    assert third.wait(60)
    taken = iter(ahead)
    assert [next(taken) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(begun) <= 5 + 3
    ahead.stop()
    assert ahead.join(60)
    assert len(begun) <= 5 + 3


def test_an_exception_comes_after_the_items_before_it():
    def items():
        yield 1
        yield 2
        msg = 'the third'
        raise ValueError(msg)

    taken = iter(Prefetcher(items(), depth=5))
    assert (next(taken), next(taken)) == (1, 2)
    with pytest.raises(ValueError, match='the third'):
        next(taken)


def test_stopping_ends_an_iteration_that_waits():
    release = threading.Event()

    def items():
        release.wait(300)
        yield 1

    ahead = Prefetcher(items(), depth=1)
    threading.Timer(0.05, ahead.stop).start()
    assert list(ahead) == []
    release.set()
    assert ahead.join(60)
