# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Detects in one recorded input and writes its results."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.bags.provenance import software_versions
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.frame import PassthroughMessages
from roof_detector.inputs.image_files import ImageFilesInput
from roof_detector.inputs.input_files import (
    InputFile,
    changes,
    files_text,
    listed,
    read_files,
    readable,
)
from roof_detector.inputs.open_input import open_recording
from roof_detector.inputs.raster import RasterInput
from roof_detector.offline.class_resolution import ClassResolution
from roof_detector.offline.errors import ReplayError, one_line
from roof_detector.offline.exporting import export_positions, settings_table
from roof_detector.offline.exports import Exports, without_positions
from roof_detector.offline.frame_record import FrameRecord
from roof_detector.offline.inference import InferredFrame, OfflineInference
from roof_detector.offline.journal import FORMAT as JOURNAL_FORMAT
from roof_detector.offline.journal import Journal, journal_frames
from roof_detector.offline.outcome import FrameTally, InputOutcome
from roof_detector.offline.progress import ProgressDisplay
from roof_detector.offline.raster_mosaic import RasterMosaic
from roof_detector.offline.raster_scale import RasterScale
from roof_detector.offline.reduced_views import ReducedViews
from roof_detector.offline.result_writer import ResultWriter
from roof_detector.offline.settings import NetworkFacts
from roof_detector.offline.timing import TimingWriter
from roof_detector.offline.work_folder import WorkFolder, read_run
from roof_detector.vision.tiles import Tiling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.inference.detector import Detector
    from roof_detector.inputs.input import RecordedInput
    from roof_detector.offline.progress import ProgressKind
    from roof_detector.offline.settings import DetectSettings


class FlightDetection:
    """Detects in one input and writes the results to a folder, which appears when it is complete.

    The inferences of a killed run are kept and used by a run with `resume`; the rest is made
    again, so that the results are those of a run that was never killed. So are those of `parts`,
    the journals of `infer_part`.
    """

    def __init__(
        self,
        source: Path,
        output: Path,
        *,
        detector: Detector,
        settings: DetectSettings,
        overwrite: bool = False,
        resume: bool = False,
        progress: ProgressKind = 'bar',
        parts: Sequence[Path] = (),
    ) -> None:
        self._parts = tuple(parts)
        self._source = source
        self._detector = detector
        self._settings = settings
        self._network = NetworkFacts.of(detector)
        self._progress = progress
        self._overwrite, self._resume = overwrite, resume
        self._output = output
        self._tally = FrameTally()
        self._odd_stamps = self._local_times = 0
        self._scale: RasterScale | None = None
        self._reduced_views = ReducedViews(
            detector, tiling=settings.tiling, ground=settings.output.georeferencing.ground
        )

    def run(self) -> InputOutcome:
        """Detect; raise ReplayError, InputError, BagError or InferenceError if nothing comes."""
        source = self._open()
        with ExitStack() as stack:
            stack.enter_context(closing(source))
            folder = WorkFolder(
                self._output,
                made_from=self._made_from(source),
                overwrite=self._overwrite,
                resume=self._resume,
            )
            stack.enter_context(closing(folder))
            if folder.is_done():
                run = read_run(folder.final)
                self._check_unchanged(run, source, folder)
                return InputOutcome.earlier(run, output=folder.final)
            self._detect(source, folder)
            self._tally.warnings += source.warnings()
            self._tally.notes += [*source.notes(), *self._tally.image_notes()]
            if source.is_annotated:
                self._tally.notes.append(
                    'The bag holds annotated images only: annotations may be detected as objects.'
                )
            return self._finish(folder)

    def frame_count(self) -> int | None:
        """Return how many frames there are to infer, None where the input does not tell.

        Raises what `run` raises for an input that cannot be opened.
        """
        with closing(self._open()) as source:
            return source.frame_count

    def infer_part(self, path: Path, *, begin: int, end: int | None, made_from: str) -> int:
        """Infer the frames from `begin` to before `end` into a journal; return how many.

        They count in the order in which `run` infers them, which takes journals as `parts`. What
        an interrupted call inferred is kept where `made_from` is the same.
        """
        with ExitStack() as stack:
            source = stack.enter_context(closing(self._open()))
            journal = stack.enter_context(closing(Journal(path, made_from=made_from)))
            is_raster = isinstance(source, RasterInput)
            inference = OfflineInference(
                self._detector,
                replace(self._settings, tiling=None) if is_raster else self._settings,
                journal=journal,
            )
            frames = islice(source.frames_from(begin), None if end is None else end - begin)
            results = stack.enter_context(closing(inference.results(frames)))
            count = 0
            with suppress(InputError):  # `run` reports where the input ends
                for item in results:
                    assert isinstance(item, InferredFrame)
                    if item.is_new:
                        journal.append(item.inferred)
                    count += 1
            return count

    def _open(self) -> RecordedInput:
        """Open the input; an orthophoto is cut into tiles."""
        chosen = self._settings.output
        source = open_recording(
            self._source,
            image_topics=chosen.image_topics,
            passthrough_topics=chosen.copy_topics,
            named_topics=chosen.georeferencing.telemetry.names.named,
        )
        if isinstance(source, RasterInput):
            try:
                self._cut(source)
            except BaseException:
                source.close()
                raise
        return source

    def _cut(self, source: RasterInput) -> None:
        """Choose the scale of an orthophoto, and cut it into tiles."""
        settings = self._settings
        if settings.output.keep_candidates is not None:
            msg = (
                f'{self._source} is inferred in tiles, and candidates of tiles cannot be kept. '
                'Leave out --keep-candidates.'
            )
            raise ReplayError(msg)
        input_wh, tiling = self._detector.image_size, settings.tiling or Tiling()
        if tiling.size:
            pixels = tiling.size / input_wh[0], tiling.size / input_wh[1]
            self._scale = RasterScale(pixels)
        else:
            trained_m = settings.metres_per_pixel or self._detector.metres_per_pixel
            self._scale = RasterScale.choose(source.raster, trained_m)
        source.tiles = self._scale.tiles(source.raster, input_wh=input_wh, overlap=tiling.overlap)

    def _finish(self, folder: WorkFolder) -> InputOutcome:
        if self._tally.frames == self._tally.unreadable:
            folder.discard()
            reason = f' {self._tally.warnings[0]}' if self._tally.warnings else ''
            msg = f'None of {self._tally.frames} images can be read.{reason}'
            raise ReplayError(msg)
        # At the end, because the track of the camera needs the whole bag: tables too, which hold
        # positions where they are known.
        chosen = self._settings.output
        exported = export_positions(
            folder.bag,
            folder.path,
            chosen.formats,
            georeferencing=chosen.georeferencing,
            images=self._source,
        )
        self._tally.add_messages(exported)
        self._tally.rename_folder(folder.path, final=folder.final)
        outcome = InputOutcome.of(self._tally, source=str(self._source), output=folder.final)
        folder.publish(outcome.as_run())
        return outcome

    def _check_unchanged(
        self, run: dict[str, Any], source: RecordedInput, folder: WorkFolder
    ) -> None:
        """Raise ReplayError where the images are not those that finished results were made of."""
        if not isinstance(source, ImageFilesInput):
            return  # its files are among what the results were made from
        now = [InputFile.of(path) for path in source.paths]
        if differences := changes(read_files(run['files']), now):
            msg = (
                f'{folder.final} was made from other images than {self._source} holds now '
                f'({differences}). Name another output, or make it again with --overwrite.'
            )
            raise ReplayError(msg)

    def _report_changes(self, changed: list[str], gone: list[str]) -> None:
        """Note which images differ from those that the interrupted run read."""
        if changed:
            self._tally.notes.append(
                f'{len(changed)} images had changed since the run that was interrupted, and were '
                f'inferred again: {listed(changed)}.'
            )
        if gone:
            self._tally.notes.append(
                f'{len(gone)} images are gone since the run that was interrupted and have no '
                f'results: {listed(gone)}.'
            )

    def _detect(self, source: RecordedInput, folder: WorkFolder) -> None:
        self._tally.files += source.files
        with ExitStack() as stack:
            journal = stack.enter_context(closing(folder.open()))
            for part in self._parts:
                journal.adopt(journal_frames(part))
            writer = stack.enter_context(closing(self._writer(source, folder)))
            timing = stack.enter_context(TimingWriter(folder.path))
            exports = stack.enter_context(self._exports(source, folder, writer))
            is_raster = isinstance(source, RasterInput)
            bar = stack.enter_context(
                ProgressDisplay(
                    source.stem,
                    frames=source.frame_count,
                    done=journal.frame_count,
                    kind=self._progress,
                    unit='tiles' if is_raster else 'frames',
                )
            )
            inference = OfflineInference(
                self._detector,
                replace(self._settings, tiling=None) if is_raster else self._settings,
                journal=journal,
                keeps_images=not is_raster
                and (self._settings.output.annotated or exports.wants_images),
                on_tiles=bar.tiles,
            )
            mosaic = self._mosaic(source) if isinstance(source, RasterInput) else None
            results = stack.enter_context(closing(inference.results(source.recorded())))
            try:
                for item in results:
                    if isinstance(item, PassthroughMessages):
                        writer.pass_through(item)
                        continue
                    if item.is_new:
                        journal.append(item.inferred)
                        bar.step()
                    if mosaic is None:
                        self._write(item, writer, timing, exports)
                        self._count_reduced(item)
                    else:
                        mosaic.add(item.frame.index, item.inferred)
            except InputError as error:
                self._tally.warnings.append(f'It cannot be read to its end: {one_line(error)}')
            if mosaic is not None:
                self._write(mosaic.frame(), writer, timing, exports)
                self._report_raster(mosaic)
            else:
                self._tally.notes += self._reduced_views.notes()
                self._tally.limit = self._reduced_views.limit
            exports.close()
            self._tally.warnings += exports.warnings
            self._tally.notes += exports.notes
            self._tally.note_cap(self._settings.thresholds.max_detections)
            self._report_changes(*journal.changes())
            if self._local_times:
                self._tally.notes.append(
                    f'{self._local_times} of {self._tally.frames} frames tell the local time of '
                    'their camera, but not its time zone: it is in the column time_local, and '
                    'time_utc is empty.'
                )
            if self._odd_stamps:
                self._tally.notes.append(
                    f'{self._odd_stamps} of {self._tally.frames} frames have a stamp that is not '
                    'of the day of their recording (never set, negative or far off). Their '
                    'results have the same stamp; the time of recording replaces a stamp of 0.'
                )

    def _count_reduced(self, item: InferredFrame) -> None:
        if not item.inferred.error:
            image = item.frame.image
            photo = image if isinstance(image, Path) else None
            self._reduced_views.count(item.inferred.size_wh, photo)

    def _mosaic(self, source: RasterInput) -> RasterMosaic:
        thresholds = self._settings.thresholds
        return RasterMosaic(
            source,
            names=self._network.names,
            iou=thresholds.iou,
            max_detections=thresholds.max_detections,
        )

    def _report_raster(self, mosaic: RasterMosaic) -> None:
        """Note how an orthophoto was searched, and what could not be found in it."""
        assert self._scale is not None
        self._tally.warnings += mosaic.warnings()
        classes = ClassResolution(coarsest_m=self._detector.coarsest_m)
        classes.count(self._scale.seen_m)
        self._tally.notes += [*mosaic.notes(), *self._scale.notes, *classes.notes()]
        self._tally.limit = 'because it is empty' if mosaic.saw_nothing else self._scale.limit
        if self._settings.output.annotated:
            self._tally.notes.append(
                'The annotated image of an orthophoto is not kept in the bag; --formats cog '
                'writes it.'
            )

    def _write(
        self, result: InferredFrame, writer: ResultWriter, timing: TimingWriter, exports: Exports
    ) -> None:
        frame, inferred = result.frame, result.inferred
        self._odd_stamps += frame.has_odd_stamp
        record = FrameRecord(
            topic=frame.topic,
            index=frame.index,
            name=frame.name,
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            size_wh=inferred.size_wh,
            error=inferred.error,
            content=inferred.content,
            moment=result.moment,
        )
        self._local_times += record.moment is not None and record.moment.utc_ns is None
        if isinstance(frame.image, Path) and inferred.content is not None:
            content = inferred.content
            self._tally.files.append(InputFile(frame.name, content.size_bytes, content.sha256))
        findings = writer.write(
            record, inferred, log_time_ns=frame.log_time_ns, image_bgr=result.image_bgr
        )
        timing.write(frame.topic, frame.index, frame.stamp_ns, inferred.inference_s)
        if findings is not None:
            exports.write(findings, result.image_bgr, result.encoded)
        self._tally.note_image(frame.name, inferred.notes)
        self._tally.count(
            error=inferred.error,
            inferred=result.is_new,
            found={} if findings is None else findings.detections.counts(self._network.names),
            # Of an orthophoto the tiles have a limit, and not the whole.
            most=None if self._scale else self._settings.thresholds.max_detections,
        )

    def _writer(self, source: RecordedInput, folder: WorkFolder) -> ResultWriter:
        return ResultWriter(
            folder.bag,
            source=readable(self._source.name),
            files=files_text(source.files),
            image_topics=source.image_topics,
            passthrough_topics=source.passthrough_topics,
            network=self._network,
            settings=self._settings,
            raster=_place_of(source),
        )

    def _exports(self, source: RecordedInput, folder: WorkFolder, writer: ResultWriter) -> Exports:
        return Exports(
            folder.path,
            without_positions(self._settings.output.formats),
            image_topics=source.image_topics,
            class_names=self._network.names,
            settings=settings_table(writer.manifest),
            raster=source.raster if isinstance(source, RasterInput) else None,
        )

    def _made_from(self, source: RecordedInput) -> str:
        return json.dumps(
            {
                'journal': JOURNAL_FORMAT,
                'input': readable(str(self._source.absolute())),
                'files': [file.as_dict() for file in source.files],
                'network': asdict(self._network),
                'thresholds': asdict(self._settings.thresholds),
                'tiling': None if (tiling := self._settings.tiling) is None else asdict(tiling),
                'output': asdict(self._settings.output),
                **({} if self._scale is None else {'raster': asdict(self._scale)}),
                'software': software_versions(),
            },
            sort_keys=True,
        )


def _place_of(source: RecordedInput) -> str:
    """Return the place of an orthophoto for the manifest, empty where there is none."""
    place = source.raster.georeference if isinstance(source, RasterInput) else None
    return '' if place is None else place.to_text()
