# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from training.trainer.accumulation import Accumulation


@given(
    epoch=st.integers(0, 5),
    epoch_batches=st.integers(1, 30),
    warmup=st.integers(0, 60),
    batches=st.integers(0, 12),
)
def test_every_epoch_ends_with_a_step_and_no_step_adds_up_too_many(
    epoch, epoch_batches, warmup, batches
):
    accumulation = Accumulation()
    for _ in range(2):
        accumulation.begin_epoch()
        steps = [
            accumulation.steps_now(
                epoch=epoch, epoch_batches=epoch_batches, warmup=warmup, batches=batches
            )
            for _ in range(epoch_batches)
        ]
        assert steps[-1]
        ends = [-1, *(i for i, step in enumerate(steps) if step)]
        assert max(b - a for a, b in itertools.pairwise(ends)) <= max(batches, 1)
