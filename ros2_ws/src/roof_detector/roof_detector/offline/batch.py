# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Detects in many inputs one after another; one that fails stops no other."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inputs.card import Card
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.open_input import is_bag
from roof_detector.offline.detection import FlightDetection
from roof_detector.offline.errors import ReplayError, one_line
from roof_detector.offline.outcome import InputOutcome
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from roof_detector.inference.detector import Detector
    from roof_detector.offline.progress import ProgressKind
    from roof_detector.offline.settings import DetectSettings

_LOG = logging.getLogger(__name__)
# A runtime beneath the detector raises RuntimeError too, as when its memory is full.
FAILURES = (InputError, VisionError, RuntimeError, OSError)


def detect_all(
    inputs: Sequence[str],
    output: Path,
    *,
    detector: Detector,
    settings: DetectSettings,
    overwrite: bool = False,
    resume: bool = False,
    progress: ProgressKind = 'bar',
    parts: Mapping[str, Sequence[Path]] | None = None,
) -> Iterator[InputOutcome]:
    """Detect in one input after another; yield the outcome of each.

    A folder with several recordings in it or below, such as a memory card, is as many inputs;
    their results lie under the folder's name as the recordings do. `parts` are journals of
    `FlightDetection.infer_part` by the name of the results.
    """
    for planned in plan_inputs(inputs):
        detection = FlightDetection(
            planned.path,
            output / planned.name,
            detector=detector,
            settings=settings,
            overwrite=overwrite,
            resume=resume,
            progress=progress,
            parts=() if parts is None else parts.get(planned.name, ()),
        )
        try:
            outcome = detection.run()
        except FAILURES as error:
            outcome = InputOutcome(source=planned.text, failure=one_line(error))
        except Exception as error:  # a bug of ours costs this input, not the others
            _LOG.exception('This is a bug of roof_detector; please report these lines:')
            failure = f'{type(error).__name__}: {one_line(error)}'
            outcome = InputOutcome(source=planned.text, failure=failure)
        yield replace(outcome, notes=(*outcome.notes, *planned.notes))


@dataclass(frozen=True, kw_only=True)
class PlannedInput:
    """An input with the name of its results, and notes that go with its outcome."""

    text: str
    path: Path
    name: str
    notes: tuple[str, ...] = ()


def plan_inputs(inputs: Sequence[str]) -> list[PlannedInput]:
    """Return the inputs that are named, each folder of several recordings as these."""
    planned: list[PlannedInput] = []
    for text, name in zip(inputs, names_of(inputs), strict=True):
        path = _path(text)
        whole = PlannedInput(text=text, path=path, name=name)
        card = Card.read(path) if path.is_dir() and not is_bag(path) else None
        if card is None or not card.recordings:  # what is wrong shows when it is opened
            planned.append(whole)
            continue
        notes = card.notes()
        if card.is_single:
            planned.append(replace(whole, notes=notes))
            continue
        found = [
            PlannedInput(text=str(one.path), path=one.path, name=f'{name}/{one.name}')
            for one in card.recordings
        ]
        planned += [*found[:-1], replace(found[-1], notes=notes)]
    return planned


def names_of(inputs: Sequence[str]) -> list[str]:
    """Return the name of each input's results: its own, with a number where two are the same."""
    names: list[str] = []
    for text in inputs:
        path = _path(text)
        own = (path.name if path.is_dir() else path.stem) or 'input'
        name, number = own, 1
        while name in names:
            number += 1
            name = f'{own}_{number}'
        names.append(name)
    return names


def make_output(folder: Path) -> None:
    """Make the folder for all results and try to write to it, or raise ReplayError."""
    trial = folder / '.roof_detector.part'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        msg = f'{folder} cannot be written ({error.strerror}). Name a writable output folder.'
        raise ReplayError(msg) from error


def _path(text: str) -> Path:
    return Path(text.removeprefix('file://')).expanduser().absolute()
