# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The simulated_flight node: publishes a simulated survey flight with its ground truth."""

from __future__ import annotations

import sys
from itertools import count
from typing import TYPE_CHECKING, Any

from roof_detector.inputs.input import frame_time_ns
from roof_detector.ros.camera.flight_messages import FLIGHT_ROLES, flight_messages
from roof_detector.ros.camera.simulated_flight_parameters import (
    SIMULATED_FLIGHT_TABLE,
    flight_config,
)
from roof_detector.ros.camera.stream_node import StreamNode
from roof_detector.ros.common.node_process import run_node
from roof_detector.simulation import FlightConfig, RoofWorld, SimulationError, SurveyFlight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.ros.common.outgoing import OutgoingFrame


class SimulatedFlightNode(StreamNode):
    """Publishes a survey flight over a generated world; frames are rendered ahead of time.

    It replaces the camera node and has the same node name and topics.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(table=SIMULATED_FLIGHT_TABLE, **options)
        self._stopped = False
        config = flight_config(self.values)
        seed = self.values['seed']
        self.play(
            self._frames(config),
            name=f'the simulated flight {seed}',
            roles=FLIGHT_ROLES,
            errors=(SimulationError,),
            ahead=True,
        )

    def stop_source(self) -> None:
        """End the flight before its next frame."""
        self._stopped = True

    def _frames(self, config: FlightConfig) -> Iterator[OutgoingFrame]:
        values = self.values
        world = RoofWorld.generate(seed=values['seed'])
        flight = SurveyFlight(world, config, seed=values['seed'])
        length = min(values['frames'] or len(flight), len(flight))
        self.get_logger().info(
            f'Flying over world {values["seed"]}: {length} frames of '
            f'{values["width"]}x{values["height"]}, {config.rate_hz:g} per second.'
        )
        for index in count() if values['loop'] else range(length):
            if self._stopped:
                return
            time_ns = frame_time_ns(index, rate_hz=config.rate_hz)
            yield flight_messages(
                flight[index % length],
                self.settings,
                map_frame_id=values['map_frame_id'],
                stamp_ns=time_ns,
                due_ns=time_ns,
            )


def main() -> None:
    """Run the flight until it ends or is interrupted."""
    sys.exit(run_node(SimulatedFlightNode))


if __name__ == '__main__':
    main()
