# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The grid of what was seen, as RViz and Foxglove show it."""

from __future__ import annotations

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from nav_msgs.msg import OccupancyGrid
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header

from roof_detector.findings.coverage import CoverageGoal, CoverageGrid
from roof_detector.ros.inspector.coverage_message import coverage_message

HEADER = Header(stamp=Time(sec=5), frame_id='map')
GOAL = CoverageGoal(views=2, detected=0.9)


def grid_of(views, detected):
    views = np.asarray(views, np.int32)
    return CoverageGrid(
        corner_en=np.array([-3.0, 7.0]),
        cell_m=0.5,
        views=views,
        looks=np.minimum(views, 1),
        metres_per_pixel=np.where(views > 0, 0.02, np.inf),
        sharpness=np.full(views.shape, np.nan),
        angle_deg=np.zeros(views.shape),
        detected=np.broadcast_to(np.asarray(detected, np.float64), views.shape),
    )


def sent(grid, **options):
    """Return the message as it arrives, and its cells by row, from the south-west corner."""
    message = coverage_message(grid, GOAL, header=HEADER, **options)
    message = deserialize_message(serialize_message(message), OccupancyGrid)
    return message, np.array(message.data).reshape(message.info.height, message.info.width)


def test_nothing_seen_is_a_message_without_cells():
    message, cells = sent(None)
    assert message == OccupancyGrid(header=HEADER) and not cells.size


def test_cells_tell_how_far_the_goal_is_fulfilled_and_where_nothing_was_seen():
    message, cells = sent(grid_of([[0, 1, 2], [3, 2, 2]], [[0, 1, 1], [0.95, 0.45, 0.9]]))
    assert cells.tolist() == [[-1, 50, 100], [100, 50, 100]]
    origin = message.info.origin
    assert (origin.position.x, origin.position.y, origin.orientation.w) == (-3.0, 7.0, 1.0)
    assert (message.info.resolution, message.info.width, message.info.height) == (0.5, 3, 2)
    assert message.header == HEADER


def test_the_grid_lies_on_the_plane_of_the_roofs():
    message, _ = sent(grid_of([[1]], 1.0), plane_up_m=12.5)
    assert message.info.origin.position.z == 12.5


def test_joined_cells_are_as_well_seen_as_the_worst_of_their_parts():
    views = np.full((4, 6), 2)
    views[0, 0] = 1  # half as well
    views[2, 3] = 0  # a gap that is smaller than a joined cell
    views[2:, 4:] = 0
    message, cells = sent(grid_of(views, 1.0), most_cells=6)
    assert cells.tolist() == [[50, 100, 100], [100, 0, -1]]
    assert message.info.resolution == 1.0


@settings(max_examples=50, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    most_cells=st.integers(1, 400),
    seed=st.integers(0, 1000),
)
def test_any_grid_stays_within_the_bound_and_covers_all_of_it(shape, most_cells, seed):
    views = np.random.default_rng(seed).integers(0, 3, shape)
    message, cells = sent(grid_of(views, 1.0), most_cells=most_cells)
    assert cells.size <= most_cells
    side = message.info.resolution
    assert side * message.info.width >= 0.5 * shape[1]
    assert side * message.info.height >= 0.5 * shape[0]
    assert (cells.max() >= 0) == bool(views.any())
    # A fully covered message stands for a fully covered roof.
    assert not (cells == 100).all() or (views >= 2).all()


def test_a_large_grid_is_made_in_little_time_and_memory():
    grid = grid_of(np.ones((2000, 2000)), 0.5)
    message, cells = sent(grid)
    assert cells.shape == (500, 500) and message.info.resolution == pytest.approx(2.0)
