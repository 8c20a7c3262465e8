# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import socket

from roof_detector.ros.common.free_domain import LAST_DOMAIN, free_domain


def test_a_domain_in_which_a_node_lives_is_passed_over(graph):
    assert free_domain(first=graph.domain_id) == graph.domain_id
    graph.node('inhabitant')
    assert free_domain(first=graph.domain_id) != graph.domain_id


def test_a_domain_whose_first_port_was_taken_for_a_moment_is_passed_over(graph):
    """As when another process looked for a free one while the node began."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(('', 7400 + 250 * graph.domain_id + 10))
        graph.node('inhabitant')
    assert free_domain(first=graph.domain_id) != graph.domain_id


def test_a_domain_is_one_that_is_safe_on_linux():
    for first in (None, 1, LAST_DOMAIN, LAST_DOMAIN + 1):
        assert 1 <= free_domain(first=first) <= LAST_DOMAIN
