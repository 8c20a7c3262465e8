# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Chooses frames of inspections and writes them with their pre-labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.history.frame_reasons import frame_reasons
from roof_detector.history.frame_selection import (
    Candidate,
    ChosenFrame,
    SelectionSettings,
    choose_frames,
    worth_a_look,
)
from roof_detector.history.history_reading import History
from roof_detector.offline.inspection_images import InspectionImages
from roof_detector.results.atomic_output import AtomicOutput
from roof_detector.results.text import file_name
from training.learning.errors import LearningError
from training.learning.formats.writers import check_label_formats
from training.learning.frame_labels import FrameLabels
from training.learning.pre_labels import class_names, pre_labels
from training.learning.selection_folder import (
    IMAGES,
    SelectedFrame,
    Selection,
    read_selection,
    write_image,
    write_selection,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from roof_detector.findings.stored_frames import StoredFrame
    from roof_detector.history.recorded_inspection import RecordedInspection
    from training.learning.frame_features import FrameFeatures


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """What is written, and where recordings lie that were moved; `earlier` are selections."""

    formats: tuple[str, ...]
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    images: Path | None = None
    earlier: tuple[Path, ...] = ()
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_label_formats(self.formats)


@dataclass(kw_only=True)
class ExportOutcome:
    """What was chosen; `lost` are inputs that could not be used, each in a sentence."""

    output: Path
    frames: tuple[SelectedFrame, ...] = ()
    candidates: int = 0
    lost: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the lines to print for the user."""
        flights = Counter(f'{one.inspection}: {one.key[0]}' for one in self.frames)
        lines = [f'{count:4d} frames of {name}' for name, count in flights.items()]
        reasons = Counter(
            max(one.reasons, key=lambda name: one.reasons[name]) for one in self.frames
        )
        why = ', '.join(
            f'{count} {name.replace("_", " ")}' for name, count in sorted(reasons.items())
        )
        boxes = sum(len(one.labelled.boxes) for one in self.frames)
        lines.append(
            f'{len(self.frames)} of {self.candidates} frames are chosen, with {boxes} pre-labels '
            f'(strongest reason: {why or "none"}); see {self.output}.'
        )
        return [*lines, *self.lost]


def export_frames(
    paths: Sequence[Path],
    output: Path,
    settings: ExportSettings,
    *,
    features: FrameFeatures | None = None,
) -> ExportOutcome:
    """Choose frames of all inspections and write them to a new folder.

    Nothing is written where no frame can be chosen. Raises LearningError, HistoryError or
    ExportError.
    """
    earlier = [read_selection(path) for path in settings.earlier]
    target = AtomicOutput(output, overwrite=settings.overwrite)
    history = History(paths)
    inspections = list(history)
    outcome = ExportOutcome(output=output, lost=history.lost)
    labelled = {one.key for selection in earlier for one in selection.frames}
    candidates = [
        Candidate(inspection=k, frame=frame, reasons=reasons)
        for k, one in enumerate(inspections)
        for frame, reasons in zip(one.frames, frame_reasons(one), strict=True)
        if _key(frame) not in labelled
    ]
    outcome.candidates = len(candidates)
    reader = CandidateImages(inspections, settings.images)
    pool = worth_a_look(candidates, settings.selection)
    found = list(_with_features(pool, reader, features))
    outcome.lost += reader.lost
    known = [one.place_deg for selection in earlier for one in selection.frames if one.place_deg]
    chosen = choose_frames(found, settings.selection, known_places=known)
    if not chosen:
        reasons = ' '.join(outcome.lost) or 'All their frames were selected before.'
        msg = f'No frame of {len(history.files)} inspections can be chosen: {reasons}'
        raise LearningError(msg)
    outcome.frames = selected_frames(chosen, inspections)
    target.part.mkdir(parents=True)
    try:
        (target.part / IMAGES).mkdir()
        names = {one.candidate.order: frame.labelled.name
                 for one, frame in zip(chosen, outcome.frames, strict=True)}  # fmt: skip
        for one, image_bgr in reader.read([one.candidate for one in chosen]):
            write_image(target.part, names[one.order], image_bgr)
        write_selection(
            target.part,
            Selection(names=class_names(inspections), frames=outcome.frames),
            formats=settings.formats,
            facts={
                'inspections': [one.name for one in inspections],
                'settings': asdict(settings.selection),
                'features': features is not None,
                'lost': outcome.lost,
            },
        )
        target.finish()
    except BaseException:
        target.discard()
        raise
    return outcome


def _key(frame: StoredFrame) -> tuple[str, str, str, int]:
    flight, topic, _ = frame.key
    return flight, topic, frame.name, frame.stamp_ns


def selected_frames(
    chosen: Sequence[ChosenFrame], inspections: Sequence[RecordedInspection]
) -> tuple[SelectedFrame, ...]:
    """Return the chosen frames, each under a name of its own."""
    taken: set[str] = set()
    found = []
    for one in chosen:
        frame, inspection = one.candidate.frame, inspections[one.candidate.inspection]
        flight, topic, index = frame.key
        parts = [inspection.name, flight, *([topic.strip('/')] if topic else [])]
        # Frames of one video are told by such a name: "dataset split" keeps them together.
        stem = f'{file_name("-".join(parts).replace("/", "-"))}_frame_{index:06d}'
        name, again = f'{stem}.jpg', 2
        while name.lower() in taken:
            name, again = f'{stem}_{again}.jpg', again + 1
        taken.add(name.lower())
        labelled = FrameLabels(
            name=name, size_wh=frame.size_wh, boxes=pre_labels(inspection, frame)
        )
        found.append(
            SelectedFrame(
                labelled=labelled,
                inspection=inspection.name,
                key=_key(frame),
                score=one.score,
                reasons=one.shares,
                place_deg=one.candidate.reasons.centre_deg,
            )
        )
    return tuple(found)


def _with_features(
    pool: Sequence[Candidate], reader: CandidateImages, features: FrameFeatures | None
) -> Iterator[Candidate]:
    """Yield the candidates whose images are there, with their features."""
    for one, image_bgr in reader.read(pool):
        yield one if features is None else replace(one, feature=features.of(image_bgr))


class CandidateImages:
    """Reads the images of candidates, inspection by inspection."""

    def __init__(self, inspections: Sequence[RecordedInspection], images: Path | None) -> None:
        self._inspections = inspections
        self._images = images
        self.lost: list[str] = []

    def read(
        self, candidates: Sequence[Candidate]
    ) -> Iterator[tuple[Candidate, npt.NDArray[np.uint8]]]:
        """Yield the candidates whose images are found; `lost` says which are not."""
        self.lost = []
        for k, inspection in enumerate(self._inspections):
            wanted = {one.frame.key: one for one in candidates if one.inspection == k}
            source = InspectionImages(inspection.folder, inspection.inputs, images=self._images)
            rasters = set()
            for frame, image in source.read([one.frame for one in wanted.values()]):
                if isinstance(image, np.ndarray):
                    yield wanted[frame.key], image
                else:
                    rasters.add(frame.key[0])
            self.lost += [f'{inspection.name}: {note}' for note in source.notes]
            self.lost += [
                f'{inspection.name}: {flight} is an orthophoto, of which no frame is chosen; cut '
                'it into tiles with "roof_detector dataset convert --tile".'
                for flight in sorted(rasters)
            ]
