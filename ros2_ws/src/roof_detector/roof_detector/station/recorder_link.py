# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The station's connection to a recorder node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from roof_detector.station.answer import answer_of
from roof_detector.station.remote_parameters import RemoteParameters

if TYPE_CHECKING:
    from rclpy.node import Node

_RESPONSE_WITHIN_S = 10.0


class RecorderLink:
    """The commands of a recorder; each returns '' or the reason why it failed."""

    def __init__(self, node: Node, name: str) -> None:
        self.name = name
        self.parameters = RemoteParameters(node, name)
        self._node = node
        self._record = node.create_client(SetBool, f'{name}/record')
        self._trigger = node.create_client(Trigger, f'{name}/trigger')
        self._marks = node.create_publisher(String, f'{name}/mark', 50)

    async def start(self) -> str:
        """Start a bag."""
        return await self._call(self._record, SetBool.Request(data=True))

    async def stop(self) -> str:
        """End the bag."""
        return await self._call(self._record, SetBool.Request(data=False))

    async def trigger(self) -> str:
        """Trigger the black box."""
        return await self._call(self._trigger, Trigger.Request())

    async def mark(self, note: str) -> str:
        """Mark this moment with a note."""
        if not self._marks.get_subscription_count():
            return f'{self.name} does not subscribe to marks.'
        self._marks.publish(String(data=note))
        return ''

    def close(self) -> None:
        """Destroy clients and publisher; call in ROS's thread only."""
        self.parameters.close()
        self._node.destroy_client(self._record)
        self._node.destroy_client(self._trigger)
        self._node.destroy_publisher(self._marks)

    async def _call(self, client: Any, request: Any) -> str:
        if not client.service_is_ready():
            return f'{self.name} does not respond.'
        response = await answer_of(client.call_async(request), within_s=_RESPONSE_WITHIN_S)
        if response is None:
            return f'{self.name} did not respond within {_RESPONSE_WITHIN_S:.0f} s.'
        return '' if response.success else str(response.message)
