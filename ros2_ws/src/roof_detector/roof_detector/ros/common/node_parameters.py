# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The parameters of one other node, known from its services and kept up to date."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterEvent
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import Parameter

from roof_detector.inputs.addresses import HIDDEN, without_password

# A node that ended while it was asked never answers.
_ANSWER_WITHIN_S = 5.0
_SECRET = re.compile(r'(?i)(token|password|passwd|passphrase|secret|credentials|api_?key)$')


@dataclass(frozen=True)
class ParameterChange:
    """Say what a parameter was and what it became, as JSON; empty where it was not set."""

    node: str
    name: str
    old: str
    new: str
    time_ns: int


class NodeParameters:
    """Know what a node's parameters are, from when it is there, and tell of every change.

    Declaring parameters makes events too, and those of a node that has just started may come after
    its answer. They are told by their stamps and not taken for changes; the node is asked once
    more, in case its clock is not ours.
    """

    def __init__(self, node: Node, name: str, *, tell: Callable[[ParameterChange], None]) -> None:
        self.name = name
        self.values: dict[str, str] = {}
        self._node = node
        self._tell = tell
        self._list = node.create_client(ListParameters, f'{name}/list_parameters')
        self._get = node.create_client(GetParameters, f'{name}/get_parameters')
        self._asked_at_s = -_ANSWER_WITHIN_S
        self._asked_at_ns = 0
        self._is_known = self._is_doubtful = False
        # What an event told while the answer was on its way: it is newer than the answer.
        self._told: dict[str, str] = {}

    def refresh(self) -> None:
        """Ask the node once it is there; ask again when it has come back."""
        if not (self._list.service_is_ready() and self._get.service_is_ready()):
            self._is_known = False
        elif (not self._is_known or self._is_doubtful) and not self._asked_lately():
            self._asked_at_s = time.monotonic()
            self._is_doubtful = False
            self._told = {}
            self._list.call_async(ListParameters.Request()).add_done_callback(
                lambda future: self._ask(future.result().result.names)
            )

    def note(self, event: ParameterEvent) -> None:
        """Take in an event of this node."""
        time_ns = event.stamp.sec * 10**9 + event.stamp.nanosec
        if time_ns < self._asked_at_ns and self._asked_lately():
            self._is_doubtful = True
            return
        told = {
            parameter.name: _text(Parameter.from_parameter_msg(parameter))
            for parameter in (*event.new_parameters, *event.changed_parameters)
        }
        told |= {parameter.name: '' for parameter in event.deleted_parameters}
        self._told |= told
        if self._is_known:
            self._take(told, time_ns=time_ns)

    def _asked_lately(self) -> bool:
        return time.monotonic() - self._asked_at_s <= _ANSWER_WITHIN_S

    def _ask(self, names: Sequence[str]) -> None:
        # A node that has answered is through with declaring.
        self._asked_at_ns = self._node.get_clock().now().nanoseconds
        self._told = {}
        self._get.call_async(GetParameters.Request(names=names)).add_done_callback(
            lambda future: self._know(
                {
                    name: _text(Parameter.from_parameter_msg(ParameterMessage(name=name, value=v)))
                    for name, v in zip(names, future.result().values, strict=False)
                }
            )
        )

    def _know(self, values: Mapping[str, str]) -> None:
        was_there_before = bool(self.values)
        time_ns = self._node.get_clock().now().nanoseconds
        self._is_known = was_there_before  # only then are differences changes
        self._take({**values, **self._told}, time_ns=time_ns)
        self._is_known = True

    def _take(self, values: Mapping[str, str], *, time_ns: int) -> None:
        for name, new in values.items():
            old = self.values.get(name, '')
            if self._is_known and new != old:
                self._tell(ParameterChange(self.name, name, old, new, time_ns))
        self.values = {k: v for k, v in {**self.values, **values}.items() if v}


def _text(parameter: Parameter) -> str:
    """Return a parameter's value as JSON, so that 1, 1.0 and "1" stay apart.

    Bags are handed on: what is called a secret, and users and passwords in addresses, stay here.
    """
    value: Any = parameter.value
    if value is None:
        return ''
    if _SECRET.search(parameter.name) and isinstance(value, str) and value:
        value = HIDDEN
    return without_password(json.dumps(value, default=list))
