# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An executor that survives the exceptions of its callbacks."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.client import Client
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
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from roof_detector.ros.common.callback_errors import CallbackErrors, errors_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.context import Context
    from rclpy.node import Node

_NOTHING_TO_DO = (TimeoutException, ShutdownException, ConditionReachedException)
# No received message makes the wait itself fail; after this many failures in a row it is broken.
_MOST_FAILED_WAITS = 50
_PAUSE_S = 0.1


class GuardedExecutor(SingleThreadedExecutor):
    """An executor in which an exception ends one callback, not the node.

    rclpy's executors re-raise a callback's exception from `spin_once`, so one invalid request ends
    the node. This one counts and logs it by cause in `errors`, by default `errors_of` the node,
    and a service refuses the request. SystemExit and KeyboardInterrupt still end the process.
    """

    def __init__(
        self, *, context: Context | None = None, errors: CallbackErrors | None = None
    ) -> None:
        super().__init__(context=context)
        self._errors = errors
        self._failed_waits = 0

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and run it."""
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
        self._run(task, entity)
        error = task.exception()
        if error is not None:
            _release(entity)
            self._note(node, _name(entity), error)

    def _run(self, task: Any, entity: Any) -> None:
        """Run the task of an entity, which for a subscription reads the message first."""
        task()

    def _note_failed_wait(self, error: Exception) -> None:
        self._failed_waits += 1
        if self._failed_waits >= _MOST_FAILED_WAITS or not self.context.ok():
            raise error
        if isinstance(error, InvalidHandle):  # the entity was destroyed during the wait
            return
        self._note(None, 'waiting', error)
        time.sleep(_PAUSE_S)

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
    """A service callback that refuses the request when the wrapped callback raises."""

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
    """Make an entity ready again after it raised before its message was taken.

    rclpy sets `_executor_event` before it takes the message and resets it only afterwards, so
    without this the entity and its callback group never run again. There is no public way.
    """
    if getattr(entity, '_executor_event', False):
        entity._executor_event = False
        with suppress(AssertionError):  # the group was not entered
            entity.callback_group.ending_execution(entity)


def _name(entity: Any) -> str:
    """Return the name of an entity's callback for counts and the log."""
    if isinstance(entity, Subscription):
        return f'subscription {entity.topic_name}'
    if isinstance(entity, Service):
        return f'service {entity.srv_name}'
    if isinstance(entity, Client):
        return f'response of {entity.srv_name}'
    if isinstance(entity, Timer | GuardCondition):
        function = entity.callback
        kind = 'timer' if isinstance(entity, Timer) else 'event'
        return f'{kind} {getattr(function, "__qualname__", type(function).__name__)}'
    if isinstance(entity, EventHandler):
        return 'QoS event'
    return 'task' if entity is None else type(entity).__name__


_REASON_FIELDS = ('message', 'reason')


def refusal(service_type: Any, request: Any, *, reason: str, begun: Any = None) -> Any:
    """Return a response that is not successful, with the reason if the type has a field for it.

    `begun` is the response that the callback had started to fill. If parameters were set one by
    one, its results remain valid, and the missing ones are refused.
    """
    response = service_type.Response()
    if hasattr(response, 'success'):
        response.success = False
    for field in _REASON_FIELDS:
        if isinstance(getattr(response, field, None), str):
            setattr(response, field, reason)
    refused = SetParametersResult(successful=False, reason=reason)
    if isinstance(getattr(response, 'result', None), SetParametersResult):
        response.result = refused
    elif hasattr(response, 'results') and hasattr(request, 'parameters'):
        known = list(getattr(begun, 'results', ()))
        response.results = known + [refused] * (len(request.parameters) - len(known))
    return response
