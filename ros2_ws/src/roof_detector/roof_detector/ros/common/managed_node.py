# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The transitions that all our lifecycle nodes have alike."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, TypeVar

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from roof_detector.ros.common.callback_errors import errors_of
from roof_detector.ros.common.errors import RosError
from roof_detector.ros.common.lifecycle_errors import reports_errors

if TYPE_CHECKING:
    from roof_detector.ros.common.node_diagnostics import NodeDiagnostics
    from roof_detector.ros.common.ros_log_handler import RosLogHandler

_Node = TypeVar('_Node', bound='ManagedNode')


class ManagedNode(LifecycleNode):
    """A lifecycle node that listens while active, and frees all it has in cleanup and shutdown.

    A subclass says what it is `called` in messages, makes `_diagnostics` and `_log_handler`, and
    implements on_configure, on_activate, `_stop_listening` and `_release`, which may be called in
    any state.
    """

    called: ClassVar[str]
    _diagnostics: NodeDiagnostics
    _log_handler: RosLogHandler

    @abstractmethod
    def _stop_listening(self) -> None:
        """Stop listening for what the node works on."""

    @abstractmethod
    def _release(self) -> None:
        """Stop listening and free everything, whatever of that raises."""

    def start(self) -> None:
        """Configure and activate; raise RosError where that fails."""
        for act, what in (
            (self.trigger_configure, 'configured'),
            (self.trigger_activate, 'activated'),
        ):
            if act() != TransitionCallbackReturn.SUCCESS:
                msg = f'The {self.called} could not be {what}, see the error above.'
                raise RosError(msg)

    @reports_errors
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop listening; what was made in configure stays."""
        self._stop_listening()
        return super().on_deactivate(state)

    @reports_errors
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free what was made in configure."""
        self._release()
        return super().on_cleanup(state)

    @reports_errors
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop listening and free everything."""
        self._release()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything after an error in a transition, so that configure works again."""
        try:
            self._release()
        except Exception as error:  # all of it was tried, and the rest is free
            errors_of(self).note('transition on_error', error)
        self.get_logger().error(
            f'A transition from {state.label} failed, see the error above: the {self.called} is '
            'unconfigured now. Remove the cause, then configure and activate it again.'
        )
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Free everything, then the node."""
        self._release()
        self._diagnostics.close()
        self._log_handler.close()
        super().destroy_node()


def autostarted(node: _Node) -> _Node:
    """Return the node, started if its parameter `autostart` says so; destroy it if that fails."""
    if node.get_parameter('autostart').value:
        try:
            node.start()
        except RosError:
            node.destroy_node()
            raise
    return node
