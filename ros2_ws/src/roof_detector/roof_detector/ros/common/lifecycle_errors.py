# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Errors in the transitions of lifecycle nodes."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from roof_detector.ros.common.callback_errors import errors_of

if TYPE_CHECKING:
    from collections.abc import Callable


def reports_errors(
    transition: Callable[[Any, LifecycleState], TransitionCallbackReturn],
) -> Callable[[Any, LifecycleState], TransitionCallbackReturn]:
    """Return a transition callback that counts and logs what it raises, and returns ERROR.

    rclpy turns an exception into ERROR as well, but drops its text. `on_error` of the node comes
    next, and decides whether the node can be configured again.
    """

    @wraps(transition)
    def guarded(node: Any, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:
            errors_of(node).note(f'transition {transition.__name__}', error)
            return TransitionCallbackReturn.ERROR

    return guarded
