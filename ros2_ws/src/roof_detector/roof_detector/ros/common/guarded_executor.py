# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An executor that outlives what its callbacks raise."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rclpy.client import Client
from rclpy.context import Context
from rclpy.event_handler import EventHandler
from rclpy.exceptions import InvalidHandle
from rclpy.executors import (
    ConditionReachedException,
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
    TimeoutException,
)
from rclpy.guard_condition import GuardCondition
from rclpy.node import Node
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from roof_detector.ros.common.callback_errors import CallbackErrors, errors_of
from roof_detector.ros.common.service_refusal import refusal

_NOTHING_TO_DO = (TimeoutException, ShutdownException, ConditionReachedException)
# Waiting itself does not fail by what anybody sends; where it does, again and again, it is over.
_MOST_FAILED_WAITS = 50
_REST_S = 0.1


class GuardedExecutor(SingleThreadedExecutor):
    """Run callbacks; an exception costs that one callback, is counted and logged by cause.

    rclpy's executors raise what a callback raised out of `spin_once`, which ends a node for a
    request that makes no sense. Here a service answers such a request with a refusal, and the
    errors are `errors_of` the node, or `errors` where what is spun is no node. What is meant to
    end the process (SystemExit, KeyboardInterrupt) still does.
    """

    def __init__(
        self, *, context: Context | None = None, errors: CallbackErrors | None = None
    ) -> None:
        super().__init__(context=context)
        self._errors = errors
        self._failed_waits = 0

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for a callback and run it."""
        try:
            ready: tuple[Any, Any, Node | None] = self.wait_for_ready_callbacks(
                timeout_sec=timeout_sec
            )
        except _NOTHING_TO_DO:
            return
        except ExternalShutdownException:
            raise
        except Exception as failure:
            self._note_failed_wait(failure)
            return
        self._failed_waits = 0
        task, entity, node = ready
        if isinstance(entity, Service) and not isinstance(entity.callback, _AnsweringCallback):
            entity.callback = _AnsweringCallback(entity, lambda: self._errors_of(node))
        task()
        error = task.exception()
        if error is not None:
            _release(entity)
            self._note(node, _name(entity), error)

    def _note_failed_wait(self, error: Exception) -> None:
        self._failed_waits += 1
        if self._failed_waits >= _MOST_FAILED_WAITS or not self.context.ok():
            raise error
        if isinstance(error, InvalidHandle):  # what was waited for is destroyed meanwhile
            return
        self._note(None, 'waiting', error)
        time.sleep(_REST_S)

    def _note(self, node: Node | None, where: str, error: BaseException) -> None:
        errors = self._errors_of(node)
        if errors is not None:
            errors.note(where, error)

    def _errors_of(self, node: Node | None) -> CallbackErrors | None:
        if self._errors is not None:
            return self._errors
        node = node or next(iter(self.get_nodes()), None)
        return None if node is None else errors_of(node)


class _AnsweringCallback:
    """A service's callback that answers with a refusal where the service's own raises."""

    def __init__(self, service: Service, errors: Callable[[], CallbackErrors | None]) -> None:
        self._callback: Callable[[Any, Any], Any] = service.callback
        self._type = service.srv_type
        self._name = _name(service)
        self._errors = errors

    def __call__(self, request: Any, response: Any) -> Any:
        try:
            return self._callback(request, response)
        except Exception as error:
            errors = self._errors()
            if errors is not None:
                errors.note(self._name, error)
            reason = f'Refused ({type(error).__name__}): {error}'
            return refusal(self._type, request, reason=reason, begun=response)


def _release(entity: Any) -> None:
    """Let an entity be waited for again that failed before its message was taken.

    rclpy marks it while its handler is made and takes the mark back only after the taking: one
    that raises there would be deaf for good, and its callback group with it.
    """
    if getattr(entity, '_executor_event', False):
        entity._executor_event = False
        with suppress(AssertionError):  # the group was not entered
            entity.callback_group.ending_execution(entity)


def _name(entity: Any) -> str:
    """Return what to call an entity's callback in counts and the log."""
    if isinstance(entity, Subscription):
        return f'subscription {entity.topic_name}'
    if isinstance(entity, Service):
        return f'service {entity.srv_name}'
    if isinstance(entity, Client):
        return f'answer of {entity.srv_name}'
    if isinstance(entity, Timer | GuardCondition):
        function = entity.callback
        kind = 'timer' if isinstance(entity, Timer) else 'event'
        return f'{kind} {getattr(function, "__qualname__", type(function).__name__)}'
    if isinstance(entity, EventHandler):
        return 'QoS event'
    return 'task' if entity is None else type(entity).__name__
