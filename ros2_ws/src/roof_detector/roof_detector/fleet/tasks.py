# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The tasks that Ray runs: survey a flight, infer a piece, make an inspection.

A worker opens the model once and keeps it for all its tasks. What goes wrong with a flight comes
back as a sentence; Ray tries a task again only where its worker died.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.bags.errors import BagError
from roof_detector.fleet.flight_survey import survey
from roof_detector.fleet.flight_work import finish_flight, infer_piece
from roof_detector.offline.batch import FAILURES
from roof_detector.offline.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.fleet.catalog import CatalogFlight
    from roof_detector.fleet.fleet_job import FleetJob, ModelChoice
    from roof_detector.fleet.flight_survey import FlightPiece, FlightSurvey
    from roof_detector.inference.detector import Detector

_LOG = logging.getLogger(__name__)
_detectors: dict[ModelChoice, Detector] = {}


@dataclass(frozen=True)
class TaskFailure:
    """Why a task gave no result, as a sentence."""

    sentence: str


def survey_flight(job: FleetJob, flight: CatalogFlight) -> FlightSurvey | TaskFailure:
    """Survey a flight, in a worker."""
    return _tried(lambda: survey(job, flight, _detector(job.model)))


def infer(job: FleetJob, flight: CatalogFlight, piece: FlightPiece) -> int | TaskFailure:
    """Infer a piece, in a worker; return how many frames were inferred."""
    return _tried(lambda: infer_piece(job, flight, piece, _detector(job.model)))


def finish(job: FleetJob, flight: CatalogFlight, found: FlightSurvey) -> Any:
    """Make the inspection of a flight, in a worker; return its outcome or a failure."""
    return _tried(lambda: finish_flight(job, flight, found, _detector(job.model)))


def _detector(choice: ModelChoice) -> Detector:
    if choice not in _detectors:
        _detectors[choice] = choice.open()
    return _detectors[choice]


def _tried(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (*FAILURES, BagError) as error:
        return TaskFailure(one_line(error) or type(error).__name__)
    except MemoryError:
        return TaskFailure('The worker has too little memory for it.')
    except Exception as error:  # a bug of ours costs this flight, not the others
        _LOG.exception('This is a bug of roof_detector; please report these lines:')
        return TaskFailure(f'{type(error).__name__}: {one_line(error)}')
