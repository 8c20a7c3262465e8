# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The parameters of another node, read from its services and kept up to date."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterEvent
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.parameter import Parameter

from roof_detector.inputs.addresses import HIDDEN, without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rclpy.node import Node

# A node that ends during a request never responds.
_RESPONSE_WITHIN_S = 5.0
# Anybody may publish events with our nodes' names: no node has more parameters.
_MOST_PARAMETERS = 1000
_SECRET = re.compile(r'(?i)(token|password|passwd|passphrase|secret|credentials|api_?key)$')


@dataclass(frozen=True, kw_only=True)
class ParameterChange:
    """The old and the new value of a parameter as JSON; empty if it was not set."""

    node: str
    name: str
    old: str
    new: str
    time_ns: int


class NodeParameters:
    """The parameters of a node, from the moment it appears; `on_change` gets every change.

    Declaring parameters makes events too, and those of a node that has just started may arrive
    after its response. Events with an older stamp are not reported as changes; the node is queried
    once more, in case its clock differs from ours.
    """

    def __init__(
        self, node: Node, name: str, *, on_change: Callable[[ParameterChange], None]
    ) -> None:
        self.name = name
        self.values: dict[str, str] = {}
        self._node = node
        self._on_change = on_change
        self._list = node.create_client(ListParameters, f'{name}/list_parameters')
        self._get = node.create_client(GetParameters, f'{name}/get_parameters')
        self._requested_at_s = -_RESPONSE_WITHIN_S
        self._responded_at_ns = 0
        self._is_known = self._is_uncertain = False
        # Values of events that came during a request: they are newer than its response.
        self._updates: dict[str, str] = {}

    def refresh(self) -> None:
        """Query the node once it is there, and again when it has come back."""
        if not (self._list.service_is_ready() and self._get.service_is_ready()):
            self._is_known = False
        elif (not self._is_known or self._is_uncertain) and not self._requested_recently():
            self._requested_at_s = time.monotonic()
            self._is_uncertain = False
            self._updates = {}
            self._list.call_async(ListParameters.Request()).add_done_callback(
                lambda future: self._request_values(future.result().result.names)
            )

    def note(self, event: ParameterEvent) -> None:
        """Process a parameter event of this node."""
        time_ns = event.stamp.sec * 10**9 + event.stamp.nanosec
        if time_ns < self._responded_at_ns and self._requested_recently():
            self._is_uncertain = True
            return
        updates = {
            parameter.name: _text(Parameter.from_parameter_msg(parameter))
            for parameter in (*event.new_parameters, *event.changed_parameters)
        }
        updates |= {parameter.name: '' for parameter in event.deleted_parameters}
        if len(self._updates) < _MOST_PARAMETERS:
            self._updates |= updates
        if self._is_known:
            self._update(updates, time_ns=time_ns)

    def _requested_recently(self) -> bool:
        return time.monotonic() - self._requested_at_s <= _RESPONSE_WITHIN_S

    def _request_values(self, names: Sequence[str]) -> None:
        # A node that responds has declared all its parameters.
        self._responded_at_ns = self._node.get_clock().now().nanoseconds
        self._updates = {}
        self._get.call_async(GetParameters.Request(names=names)).add_done_callback(
            lambda future: self._on_values(
                {
                    name: _text(Parameter.from_parameter_msg(ParameterMessage(name=name, value=v)))
                    for name, v in zip(names, future.result().values, strict=False)
                }
            )
        )

    def _on_values(self, values: Mapping[str, str]) -> None:
        was_known_before = bool(self.values)
        time_ns = self._node.get_clock().now().nanoseconds
        self._is_known = was_known_before  # only then are differences changes
        self._update({**values, **self._updates}, time_ns=time_ns)
        self._is_known = True

    def _update(self, values: Mapping[str, str], *, time_ns: int) -> None:
        room = _MOST_PARAMETERS - len(self.values)
        added = [name for name in values if name not in self.values]
        if len(added) > room:
            values = {name: v for name, v in values.items() if name not in set(added[room:])}
        for name, new in values.items():
            old = self.values.get(name, '')
            if self._is_known and new != old:
                self._on_change(
                    ParameterChange(node=self.name, name=name, old=old, new=new, time_ns=time_ns)
                )
        self.values = {k: v for k, v in {**self.values, **values}.items() if v}


def _text(parameter: Parameter) -> str:
    """Return a parameter's value as JSON, so that 1, 1.0 and "1" stay apart.

    Secrets, and users and passwords in addresses, are hidden: bags are given to other people.
    """
    value: Any = parameter.value
    if value is None:
        return ''
    if _SECRET.search(parameter.name) and isinstance(value, str) and value:
        value = HIDDEN
    return without_password(json.dumps(value, default=list))
