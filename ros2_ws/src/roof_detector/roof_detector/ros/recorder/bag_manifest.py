# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a bag says about the models and parameters that its detections come from."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import ParameterEvent
from rclpy.qos import qos_profile_parameter_events

from roof_detector.ros.common.node_parameters import NodeParameters, ParameterChange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rclpy.node import Node

# Of a detector's diagnostics, what stays the same while its model does, and our names for it.
_MODEL_FACTS = {
    'model': 'path',
    'model_sha256': 'sha256',
    'task': 'task',
    'classes': 'classes',
    'device': 'device',
    'backend': 'backend',
    'precision': 'precision',
}
_REMEMBERED_CHANGES = 1000
# Anybody may publish diagnostics and parameter events, and the manifest is written again for each
# difference: so many detectors, and characters of each fact, are believed.
_MOST_MODELS, _MOST_CHARACTERS, _MOST_NAME = 20, 4000, 256


class BagManifest:
    """Gather models and parameters from the graph, and journal how parameters change.

    `journal` gets the values of a metadata record for each change. Entries are named
    `model.<node>.<fact>` and `parameter.<node>.<name>`.
    """

    def __init__(
        self, node: Node, nodes: Sequence[str], *, journal: Callable[[Mapping[str, str]], None]
    ) -> None:
        self._journal = journal
        self._models: dict[str, str] = {}
        self._changes: deque[tuple[float, dict[str, str]]] = deque(maxlen=_REMEMBERED_CHANGES)
        self._told: dict[str, str] = {}
        names = dict.fromkeys((*(_full_name(node, n) for n in nodes), _full_name(node)))
        self._nodes = {
            name: NodeParameters(node, name, on_change=self._note_change) for name in names
        }
        node.create_subscription(
            ParameterEvent, '/parameter_events', self._note_event, qos_profile_parameter_events
        )
        node.create_subscription(DiagnosticArray, '/diagnostics', self._note_models, 50)

    def refresh(self) -> None:
        """Look for nodes that have appeared."""
        for parameters in self._nodes.values():
            parameters.refresh()

    def values(self) -> dict[str, str]:
        """Return all that is known; what `news` says next begins here."""
        self._told = {
            **self._models,
            **{
                f'parameter.{node.name}.{name}': value
                for node in self._nodes.values()
                for name, value in sorted(node.values.items())
            },
        }
        return dict(self._told)

    def news(self) -> dict[str, str]:
        """Return what is new or different since the last call of `values` or `news`."""
        before = self._told
        return {name: value for name, value in self.values().items() if before.get(name) != value}

    def changes(self, *, within_s: float) -> list[dict[str, str]]:
        """Return the changes of the last seconds."""
        since_s = time.monotonic() - within_s
        return [values for noted_s, values in self._changes if noted_s >= since_s]

    def _note_change(self, change: ParameterChange) -> None:
        values = {
            'time_ns': str(change.time_ns),
            'node': change.node,
            'name': change.name,
            'old': change.old,
            'new': change.new,
        }
        self._changes.append((time.monotonic(), values))
        self._journal(values)

    def _note_event(self, event: ParameterEvent) -> None:
        if event.node in self._nodes:
            self._nodes[event.node].note(event)

    def _note_models(self, array: DiagnosticArray) -> None:
        for status in array.status:
            values = {pair.key: pair.value for pair in status.values}
            if values.get('model_sha256'):
                node = '/' + status.name.partition(':')[0].lstrip('/')[:_MOST_NAME]
                if f'model.{node}.path' not in self._models and self._has_enough_models():
                    continue
                for key, name in _MODEL_FACTS.items():
                    self._models[f'model.{node}.{name}'] = values.get(key, '')[:_MOST_CHARACTERS]

    def _has_enough_models(self) -> bool:
        return len(self._models) >= _MOST_MODELS * len(_MODEL_FACTS)


def _full_name(node: Node, name: str = '') -> str:
    """Return a node's name with its namespace, ours without a name."""
    if not name:
        return str(node.get_fully_qualified_name())
    return name if name.startswith('/') else f'{node.get_namespace().rstrip("/")}/{name}'
