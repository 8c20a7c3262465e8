# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Parameter values as a file for ros2 launch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roof_detector.station.remote_parameters import RemoteParameter


def parameter_file(parameters: Iterable[RemoteParameter]) -> str:
    """Return parameter values as YAML for the argument params_file of a launch file.

    An empty list is written as [''], because YAML's [] has no type.
    """
    values = {
        one.name: (list(one.value) or ['']) if isinstance(one.value, tuple) else one.value
        for one in parameters
        if one.name != 'use_sim_time' and not one.name.startswith(('qos_overrides', 'start_type'))
    }
    content = {'/**': {'ros__parameters': values}}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
