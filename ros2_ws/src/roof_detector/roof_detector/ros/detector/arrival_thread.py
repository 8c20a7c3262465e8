# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thread in which the images of one topic arrive."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException
from rclpy.subscription import Subscription

from roof_detector.ros.common.callback_errors import errors_of
from roof_detector.ros.common.guarded_executor import GuardedExecutor
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rclpy.node import Node
    from rclpy.waitable import Waitable

# A waiting executor notices the end when it wakes.
_STOP_LATENCY_S = 0.2


class ArrivalThread:
    """Take the messages of a topic, whatever else its node has to wait for.

    rclpy's executor gathers every entity of its nodes before it waits and looks through all of
    them after it: with the 35 of a detector that is about 2 ms of CPU time for each image,
    with Python's lock held (docs/decisions/image_thread.md). Here one subscription is waited for
    and nothing else. Its QoS events belong here too: rmw_fastrtps waits for them on the condition
    that also tells of unread messages, so an executor that waits for the events alone never
    sleeps while there is one (ros2/rmw_fastrtps#833). Create the subscription in `group`.

    What a callback raises costs that message alone, and counts among the node's `errors_of`.
    `is_lost` when the thread is dead or hangs all the same; `lost` is called then, in the
    watchdog's thread: another one has to take its place.

    A message that has come is read within `turn`, which may wait: until then it costs nothing,
    and a newer one takes its place in the reader.
    """

    def __init__(
        self,
        node: Node,
        *,
        lost: Callable[[], None],
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.is_lost = False
        self._lost = lost
        self._entities = _Entities()
        self._executor = _ArrivalExecutor(turn, context=node.context, errors=errors_of(node))
        self._executor.add_node(self._entities)  # type: ignore[arg-type]  # as much as is asked of
        self._closed = False
        self._thread = WatchedThread(self._run, name='arrival', restart=self._give_up)
        self.group = _ArrivalGroup(self._thread)
        self._thread.start()

    def serve(self, subscription: Subscription) -> None:
        """Wait for this subscription from now on, instead of the one before."""
        self._entities.subscriptions = (subscription,)
        self._executor.wake()

    def close(self) -> None:
        """Wait until the callback in work has returned; no other will be called."""
        self._closed = True
        self._executor.wake()
        self._thread.wait_for_end()
        if not self._thread.is_alive():  # one that hangs still holds it
            self._executor.shutdown()

    def _give_up(self, _: str) -> None:
        self.is_lost = True
        if self._closed:
            self._thread.abandon()
        self._lost()

    def abandon(self) -> None:
        """Leave the thread to itself, for another one serves its subscription."""
        self._closed = True
        self._thread.abandon()

    def _run(self) -> None:
        heart = self._thread.heart
        try:
            while not self._closed:
                heart.begin('taking images')
                self._executor.spin_once(timeout_sec=_STOP_LATENCY_S)
        except ExternalShutdownException:
            return


class _ArrivalExecutor(GuardedExecutor):
    """An executor that reads a message within a turn."""

    def __init__(self, turn: Callable[[], AbstractContextManager[None]], **options: Any) -> None:
        super().__init__(**options)
        self._turn = turn

    def _run(self, task: Any, entity: Any) -> None:
        """Run the task of an entity, that of a subscription within a turn."""
        if isinstance(entity, Subscription):
            with self._turn():
                task()
        else:
            task()


class _Entities:
    """Be to an executor what a node is: something with entities to wait for."""

    timers = clients = services = guards = ()

    def __init__(self) -> None:
        self.subscriptions: tuple[Subscription, ...] = ()
        self.executor: Any = None

    @property
    def waitables(self) -> tuple[Waitable, ...]:
        """Return what brings the QoS events of the subscriptions."""
        handlers: Any = [one.event_handlers for one in self.subscriptions]  # lists, untyped
        return tuple(chain.from_iterable(handlers))


class _ArrivalGroup(ReentrantCallbackGroup):
    """Leave everything to the thread of the arrivals."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__()
        self._thread = thread

    def can_execute(self, _: Any) -> bool:
        """Return whether the calling thread is the one of the arrivals."""
        return threading.current_thread() is self._thread
