# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The camera node: publishes a camera, a stream, a video, images or a bag."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.inputs.addresses import password_of, with_credentials
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.open_input import open_input
from roof_detector.inputs.secret_file import hide_argument, read_secret
from roof_detector.ros.camera.camera_messages import CameraMessages, read_calibration
from roof_detector.ros.camera.camera_parameters import CAMERA_TABLE, parse_size
from roof_detector.ros.camera.stream_node import StreamNode
from roof_detector.ros.common.errors import RosError
from roof_detector.ros.common.node_process import run_node
from roof_detector.supervision.throttle import Throttle, cause_of
from roof_detector.supervision.watched_thread import current_heart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.inputs.input import InputHealth
    from roof_detector.ros.camera.stream_parameters import StreamSettings
    from roof_detector.ros.common.outgoing import OutgoingFrame

_log = logging.getLogger(__name__)


class CameraNode(StreamNode):
    """Publishes every frame of a file at its time, or the newest frame of a live camera.

    A live camera that is absent or lost is opened again until it is back. After the last frame of
    a file the process ends with 0, or with 1 if the source cannot be read.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(table=CAMERA_TABLE, **options)
        values = self.values
        calibration = None
        if values['calibration']:
            calibration = read_calibration(Path(values['calibration']).expanduser())
        try:
            self._source = open_input(
                self._address(values),
                rate_hz=values['rate_hz'] or None,
                loop=values['loop'],
                topic=values['topic'],
                size_wh=parse_size(values['size']),
                pixel_format=values['pixel_format'],
            )
        except InputError as error:
            raise RosError(str(error)) from error
        self._undecodable = 0
        self._warn = Throttle(_log.warning)
        self._messages = CameraMessages(self.settings, calibration=calibration)
        count, rate_hz = self._source.frame_count, self._source.rate_hz
        self.get_logger().info(
            f'Publishing {self._source.name}'
            + (f', {count} frames' if count else '')
            + (f', {rate_hz:.3g} per second.' if rate_hz else '.')
        )
        self.play(
            self._outgoing(),
            name=self._source.name,
            roles=self._source.companion_roles | {'camera_info'},
            errors=(InputError,),
            ahead=not self._source.live,
        )

    def _address(self, values: dict[str, Any]) -> str:
        """Return the source, with user and password from credentials_file if it is set."""
        address = str(values['source'])
        if values['credentials_file']:
            path = Path(values['credentials_file']).expanduser()
            return with_credentials(address, read_secret(path, name='credentials_file'))
        password = password_of(address)
        if password:
            hide_argument(password)
            _log.warning(
                'source contains user and password, which other users of this computer may have '
                'read already: put them into credentials_file.'
            )
        return address

    def health(self) -> InputHealth:
        """Return the state of the source, damaged images of a bag included."""
        health = self._source.health()
        unreadable = health.unreadable + self._undecodable + self._messages.left_out
        return replace(health, unreadable=unreadable)

    def stop_source(self) -> None:
        """End the iteration over the source."""
        self._source.stop()

    def apply(self, settings: StreamSettings) -> None:
        """Use changed settings from the next frame on."""
        self._messages.settings = settings

    def destroy_node(self) -> None:
        """Stop the threads and the node, then close the source."""
        super().destroy_node()
        self._source.close()

    def _outgoing(self) -> Iterator[OutgoingFrame]:
        heart = current_heart()
        for frame in self._source:
            heart.begin('making the messages of a frame')
            try:
                messages = self._messages.of(frame)
            except Exception as error:  # a damaged record affects that frame only
                self._undecodable += 1
                self._warn(cause_of(str(error)), str(error))
                continue
            finally:
                heart.idle()
            yield messages


def main() -> None:
    """Run the camera node until its source ends or it is interrupted."""
    sys.exit(run_node(CameraNode))


if __name__ == '__main__':
    main()
