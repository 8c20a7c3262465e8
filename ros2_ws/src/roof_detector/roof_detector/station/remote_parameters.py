# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The parameters of another node, with their descriptions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rcl_interfaces.msg import ParameterDescriptor, ParameterType
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient

from roof_detector.station.answer import answer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rclpy.node import Node

# The format in which `Parameter.descriptor` in ros/common/parameters.py lists the choices.
_CHOICES = re.compile(r' One of: ([^.]+)\.$')
_RESPONSE_WITHIN_S = 5.0
_KINDS = {
    ParameterType.PARAMETER_BOOL: Parameter.Type.BOOL,
    ParameterType.PARAMETER_INTEGER: Parameter.Type.INTEGER,
    ParameterType.PARAMETER_DOUBLE: Parameter.Type.DOUBLE,
    ParameterType.PARAMETER_STRING: Parameter.Type.STRING,
    ParameterType.PARAMETER_STRING_ARRAY: Parameter.Type.STRING_ARRAY,
}


@dataclass(frozen=True, kw_only=True)
class RemoteParameter:
    """A parameter of another node with its description and present value.

    `minimum` and `maximum` are None without a range; `choices` is empty if any value is allowed.
    A list of names is a tuple.
    """

    name: str
    value: Any
    type: Parameter.Type
    description: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    read_only: bool


class RemoteParameters:
    """The parameters of a node; call `refresh` and `close` in ROS's thread only."""

    def __init__(self, node: Node, name: str) -> None:
        self.name = name
        self._client = AsyncParameterClient(node, name)
        self._descriptors: dict[str, ParameterDescriptor] = {}
        self._known: dict[str, RemoteParameter] = {}

    @property
    def all(self) -> tuple[RemoteParameter, ...]:
        """Return all known parameters, in the node's order."""
        return tuple(self._known.values())

    def value(self, name: str, default: Any = None) -> Any:
        """Return the present value of a parameter, or the default if it is unknown."""
        known = self._known.get(name)
        return default if known is None else known.value

    def refresh(self) -> None:
        """Request the parameters if the node is there."""
        if not self._client.services_are_ready():
            return
        if self._descriptors:
            self._request_values()
        else:
            self._client.list_parameters(callback=self._on_names)

    async def set(self, name: str, value: Any) -> str:
        """Set a parameter; return '' or the node's reason for refusing."""
        known = self._known.get(name)
        if known is None or not self._client.services_are_ready():
            return f'{self.name} does not respond.'
        plain: Any = list(value) if isinstance(value, tuple) else value
        if known.type == Parameter.Type.DOUBLE:
            plain = float(plain)
        elif known.type == Parameter.Type.INTEGER and float(plain).is_integer():
            plain = int(plain)
        try:
            parameter = Parameter(name, known.type, plain)
        except ValueError as error:
            return str(error)
        call = self._client.set_parameters_atomically([parameter])
        response = await answer_of(call, within_s=_RESPONSE_WITHIN_S)
        if response is None:
            return f'{self.name} did not respond within {_RESPONSE_WITHIN_S:.0f} s.'
        self._request_values()
        return '' if response.result.successful else response.result.reason or 'Refused.'

    def close(self) -> None:
        """Destroy the clients."""
        client = self._client
        # AsyncParameterClient keeps its clients private and has no method that destroys them.
        for service in (
            client._get_parameter_client,
            client._list_parameter_client,
            client._set_parameter_client,
            client._get_parameter_types_client,
            client._describe_parameters_client,
            client._set_parameters_atomically_client,
        ):
            service.destroy()

    def _on_names(self, future: Any) -> None:
        names = future.result().result.names
        self._client.describe_parameters(names, callback=self._on_descriptors)

    def _on_descriptors(self, future: Any) -> None:
        found: Sequence[ParameterDescriptor] = future.result().descriptors
        self._descriptors = {one.name: one for one in found if one.type in _KINDS}
        self._request_values()

    def _request_values(self) -> None:
        names = list(self._descriptors)
        self._client.get_parameters(
            names, callback=lambda future: self._update(names, future.result().values)
        )

    def _update(self, names: Sequence[str], values: Sequence[Any]) -> None:
        self._known = {
            name: _described(self._descriptors[name], parameter_value_to_python(value))
            for name, value in zip(names, values, strict=False)
        }


def _described(descriptor: ParameterDescriptor, value: Any) -> RemoteParameter:
    ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
    choices = _CHOICES.search(descriptor.description)
    if _KINDS[descriptor.type] == Parameter.Type.STRING_ARRAY:
        value = tuple(one for one in value or () if one)
    return RemoteParameter(
        name=descriptor.name,
        value=value,
        type=_KINDS[descriptor.type],
        description=descriptor.description,
        minimum=ranges[0].from_value if ranges else None,
        maximum=ranges[0].to_value if ranges else None,
        choices=tuple(choices[1].split(', ')) if choices else (),
        read_only=descriptor.read_only,
    )
