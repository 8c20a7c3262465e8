# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Applies other thresholds to the candidates of a detection, without inference."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.finding_messages import candidates_bytes, detections_bytes
from roof_detector.bags.topics import is_result_topic
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.frame import PassthroughTopic
from roof_detector.inputs.input_files import files_text, input_files
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.exporting import export_positions, export_results
from roof_detector.offline.exports import without_positions
from roof_detector.offline.image_search import input_path
from roof_detector.offline.journal import Inferred
from roof_detector.offline.manifest import CANDIDATES_FLOOR, NETWORK, SOURCE_FILES
from roof_detector.offline.outcome import FrameTally, InputOutcome
from roof_detector.offline.progress import ProgressDisplay
from roof_detector.offline.result_bag import RecordedFrame, ResultBag
from roof_detector.offline.result_writer import ResultWriter
from roof_detector.offline.settings import DetectSettings, NetworkFacts, lowest_confidence
from roof_detector.offline.timing import TimingWriter
from roof_detector.offline.work_folder import WorkFolder
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.suppression import choose

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.offline.progress import ProgressKind
    from roof_detector.vision.thresholds import ResolvedThresholds, Thresholds


class Rethresholding:
    """Makes the results of a detection with other thresholds from its candidates.

    Formats with images take them from `images`, from the bag, or from the path of the original
    input. Raises ReplayError if the bag keeps no candidates, or none of low enough confidence.
    """

    def __init__(
        self, bag: Path, output: Path, *, settings: DetectSettings, images: Path | None = None
    ) -> None:
        self._path = bag
        self._output = output
        with ResultBag(bag) as results:
            floor = results.manifest.get(CANDIDATES_FLOOR, '')
            if not (floor and results.has_candidates):
                msg = (
                    f'{bag} keeps no candidates, so its thresholds are fixed. Detect again with '
                    '--keep-candidates 0.05.'
                )
                raise ReplayError(msg)
            self._network = NetworkFacts.read(results.manifest[NETWORK])
            self._input = images or input_path(results)
            self._source = str(self._input or results.source)
        _check_floor(settings.thresholds, float(floor), bag)
        self._resolved: ResolvedThresholds = settings.thresholds.for_names(self._network.names)
        self._settings = replace(
            settings, output=replace(settings.output, keep_candidates=float(floor))
        )
        self._tally = FrameTally()

    def run(self, *, overwrite: bool = False, progress: ProgressKind = 'bar') -> InputOutcome:
        """Make the results."""
        folder = WorkFolder(
            self._output,
            made_from=json.dumps(
                {
                    'bag': files_text(input_files(self._path)),
                    'thresholds': asdict(self._settings.thresholds),
                }
            ),
            overwrite=overwrite,
        )
        folder.is_done()
        with closing(folder):
            return self._make(folder, progress=progress)

    def _make(self, folder: WorkFolder, *, progress: ProgressKind) -> InputOutcome:
        with ExitStack() as stack:
            bag = stack.enter_context(ResultBag(self._path))
            stack.enter_context(closing(folder.open()))
            writer = stack.enter_context(closing(self._writer(bag, folder)))
            timing = stack.enter_context(TimingWriter(folder.path))
            bar = stack.enter_context(
                ProgressDisplay(bag.stem, frames=bag.frame_count, kind=progress)
            )
            for item in bag.items(with_passthrough=True):
                if isinstance(item, RecordedFrame):
                    self._write(item, writer, timing)
                    bar.step()
                else:
                    writer.pass_through(item)
            self._tally.warnings += bag.reader.damage
            if self._network.task == 'segment':
                self._tally.notes.append(
                    'Results with other thresholds have boxes only: candidates hold no masks. '
                    'Detect again where areas or outlines are wanted.'
                )
            self._tally.note_cap(self._settings.thresholds.max_detections)
        self._export_images(folder)
        self._export_positions(folder)
        self._tally.rename_folder(folder.path, final=folder.final)
        outcome = InputOutcome.of(self._tally, source=self._source, output=folder.final)
        folder.publish(outcome.as_run())
        return outcome

    def _write(self, frame: RecordedFrame, writer: ResultWriter, timing: TimingWriter) -> None:
        record, before = frame.record, frame.findings
        inferred = Inferred(size_wh=(0, 0), error=record.error)
        if frame.candidates is not None and before is not None:
            geometry = Letterbox.fit(
                record.size_wh,
                image_size=self._network.image_size,
                stride=self._network.stride,
                fixed=self._network.fixed_size,
            )
            found = choose(frame.candidates, thresholds=self._resolved, geometry=geometry)
            names, stamp_ns, frame_id = self._network.names, record.stamp_ns, record.frame_id
            inferred = Inferred(
                size_wh=record.size_wh,
                detections=detections_bytes(
                    found, names=names, stamp_ns=stamp_ns, frame_id=frame_id
                ),
                candidates=candidates_bytes(
                    frame.candidates, names=names, stamp_ns=stamp_ns, frame_id=frame_id
                ),
                inference_s=before.inference_s or 0.0,
                topic=record.topic,
                name=record.name,
                content=record.content,
            )
        findings = writer.write(record, inferred, log_time_ns=frame.log_time_ns)
        timing.write(record.topic, record.index, record.stamp_ns, inferred.inference_s)
        self._tally.count(
            error=record.error,
            inferred=False,
            found={} if findings is None else findings.detections.counts(self._network.names),
            most=self._settings.thresholds.max_detections,
        )

    def _export_images(self, folder: WorkFolder) -> None:
        formats = without_positions(self._settings.output.formats)
        if not formats:
            return
        source = self._input if self._input and self._input.exists() else None
        georeferencing = self._settings.output.georeferencing
        try:
            tally = export_results(
                folder.bag,
                folder.path,
                formats,
                georeferencing=georeferencing,
                images=source,
                progress='none',
            )
        except (BagError, ReplayError, InputError) as error:
            self._tally.warnings.append(f'{", ".join(formats)} were not exported: {error}')
        else:
            self._tally.add_messages(tally)

    def _export_positions(self, folder: WorkFolder) -> None:
        chosen = self._settings.output
        try:
            tally = export_positions(
                folder.bag,
                folder.path,
                chosen.formats,
                georeferencing=chosen.georeferencing,
                images=self._input if self._input and self._input.exists() else None,
            )
        except (BagError, ReplayError, InputError) as error:
            self._tally.warnings.append(f'Tables and maps were not exported: {error}')
        else:
            self._tally.add_messages(tally)

    def _writer(self, bag: ResultBag, folder: WorkFolder) -> ResultWriter:
        passthrough_topics = []
        for topic in bag.reader.topics:
            if is_result_topic(topic.name):
                continue
            try:
                schema = bag.reader.schema(topic.type_name)
            except BagError as error:
                self._tally.warnings.append(f'{topic.name} is not copied: {error}')
                continue
            passthrough_topics.append(PassthroughTopic(topic.name, schema, topic.offered_qos))
        return ResultWriter(
            folder.bag,
            source=bag.source,
            files=bag.manifest.get(SOURCE_FILES, files_text(())),
            image_topics=bag.image_topics,
            passthrough_topics=passthrough_topics,
            network=self._network,
            settings=self._settings,
            keeps_masks=False,  # candidates hold boxes alone
        )


def _check_floor(thresholds: Thresholds, floor: float, bag: Path) -> None:
    lowest = lowest_confidence(thresholds)
    if lowest < floor:
        msg = (
            f'{bag} keeps candidates down to {floor:g} only, so a confidence of '
            f'{lowest:g} cannot be applied. Use {floor:g} or more, or detect again with '
            f'--keep-candidates {lowest:g}.'
        )
        raise ReplayError(msg)
