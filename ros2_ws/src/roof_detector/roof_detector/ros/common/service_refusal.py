# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The response of a service whose callback failed."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import SetParametersResult

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
