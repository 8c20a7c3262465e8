# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Python's `logging` in a node: records go to the console and to /rosout as ROS logs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rclpy.node import Node

_PACKAGE = logging.getLogger('roof_detector')


class RosLogHandler(logging.Handler):
    """A handler that forwards the package's log records to a node's rclpy logger.

    Parts of a node log with `logging.getLogger(__name__)` and know no node. The node installs one
    handler before it makes its parts and closes it when it is destroyed.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._logger = node.get_logger()

    @classmethod
    def install(cls, node: Node) -> RosLogHandler:
        """Forward the records of this package to the node, from its log level on."""
        handler = cls(node)
        # rcutils numbers its severities as logging does: DEBUG 10 to FATAL 50.
        _PACKAGE.setLevel(int(node.get_logger().get_effective_level()))
        _PACKAGE.addHandler(handler)
        return handler

    def close(self) -> None:
        """Stop forwarding."""
        _PACKAGE.removeHandler(self)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record at its own severity."""
        try:
            message = self.format(record)
            # rclpy refuses a second severity from the same place of the code.
            if record.levelno >= logging.CRITICAL:
                self._logger.fatal(message)
            elif record.levelno >= logging.ERROR:
                self._logger.error(message)
            elif record.levelno >= logging.WARNING:
                self._logger.warning(message)
            elif record.levelno >= logging.INFO:
                self._logger.info(message)
            else:
                self._logger.debug(message)
        except Exception:
            self.handleError(record)
