# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A recorder, seen from the ground."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from roof_detector.station.answer import answer_of
from roof_detector.station.remote_parameters import RemoteParameters

_ANSWER_WITHIN_S = 10.0


class RecorderLink:
    """Start, stop, mark and trigger one recorder; each answers '' or why it did not."""

    def __init__(self, node: Node, name: str) -> None:
        self.name = name
        self.parameters = RemoteParameters(node, name)
        self._node = node
        self._record = node.create_client(SetBool, f'{name}/record')
        self._trigger = node.create_client(Trigger, f'{name}/trigger')
        self._marks = node.create_publisher(String, f'{name}/mark', 50)

    async def start(self) -> str:
        """Begin a bag."""
        return await self._call(self._record, SetBool.Request(data=True))

    async def stop(self) -> str:
        """End the bag."""
        return await self._call(self._record, SetBool.Request(data=False))

    async def trigger(self) -> str:
        """Open the black box."""
        return await self._call(self._trigger, Trigger.Request())

    async def mark(self, note: str) -> str:
        """Mark this moment with a note."""
        if not self._marks.get_subscription_count():
            return f'{self.name} does not listen to marks.'
        self._marks.publish(String(data=note))
        return ''

    def close(self) -> None:
        """Take clients and publisher back; only ROS's thread may."""
        self.parameters.close()
        self._node.destroy_client(self._record)
        self._node.destroy_client(self._trigger)
        self._node.destroy_publisher(self._marks)

    async def _call(self, client: Any, request: Any) -> str:
        if not client.service_is_ready():
            return f'{self.name} does not answer.'
        response = await answer_of(client.call_async(request), within_s=_ANSWER_WITHIN_S)
        if response is None:
            return f'{self.name} did not answer within {_ANSWER_WITHIN_S:.0f} s.'
        return '' if response.success else str(response.message)
