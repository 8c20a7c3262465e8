# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The model in use, and how another one takes its place between two frames."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from roof_detector.inference.errors import InferenceError
from roof_detector.pipeline.frame_pipeline import FramePipeline
from roof_detector.pipeline.listener import PipelineListener
from roof_detector.supervision.watchdog import WATCHDOG

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from roof_detector.inference.detector import Detector
    from roof_detector.pipeline.frame import FrameStream, PipelineFrame
    from roof_detector.pipeline.settings import PipelineSettings


class ModelUser(PipelineListener, Protocol):
    """The owner of a slot: it hears of models, and of the frames of their pipelines.

    It calls the slot's `update` in its own thread after each `on_pipeline_changed`.
    """

    def check_model(self, detector: Detector) -> None:
        """Raise ValueError for a model that does not go with the settings."""

    def on_model_changed(self, detector: Detector) -> None:
        """Adapt to another model, while none runs."""

    def on_model_refused(self, reason: str) -> None:
        """Hear that the model in use stays, and why."""


@dataclass(frozen=True, eq=False)
class _Load:
    """A pipeline that loads a model, and since when."""

    model: str
    pipeline: FramePipeline
    started_s: float


class ModelSlot:
    """Holds the pipeline of the model in use, and changes the model between two frames.

    A new model is loaded and warmed up by a pipeline of its own, beside the one in use. Then that
    one finishes its frame, forwards those that wait and ends, and only then the new one starts:
    no frame is lost or counted twice, results stay in order, and the user may change what belongs
    to the model while none runs. A model that fails leaves the old one in use. A request waits for
    the load in progress, for memory is never to hold three models. Where the thread of the model
    in use dies or hangs, the same model is opened in another one.

    All methods but `turn` and `submit` belong to the user's thread; none of these but `open` and
    `close` waits for a model. `change` says how the last change stands.
    """

    def __init__(self, user: ModelUser, *, settings: PipelineSettings) -> None:
        self.detector: Detector | None = None
        self.model = ''
        self.change = ''
        self.enabled = True
        self._user = user
        self._settings = settings
        self._requested = ''
        self._pipeline: FramePipeline | None = None
        self._draining: FramePipeline | None = None
        self._load: _Load | None = None
        self._reopening: FramePipeline | None = None

    def configure(self, settings: PipelineSettings) -> None:
        """Have all models follow these settings, from their next frame on."""
        self._settings = settings
        for pipeline in self._pipelines():
            pipeline.settings = settings

    def open(self, model: str) -> Detector:
        """Load the first model and wait until it is warm; raise what keeps it from being used."""
        self.change, self.enabled = '', True
        self.model = self._requested = model
        self._pipeline = self._new_pipeline(model)
        detector = self._pipeline.wait_until_open()
        self._user.check_model(detector)
        self.detector = detector
        self._pipeline.start()
        return detector

    def request(self, model: str) -> None:
        """Have another model loaded; without one in use there is nothing to change."""
        if self._pipeline is None or model == self._requested:
            return
        self._requested = model
        self.change = f'loading {model}'
        if self._load is None:
            self._load_requested()

    def turn(self, stream: FrameStream) -> AbstractContextManager[None]:
        """Wait until the model wants a frame of this stream, from any thread; submit it within."""
        pipeline = self._pipeline
        if pipeline is None or not self.enabled:
            stream.was_held = False
            return nullcontext()
        return pipeline.turn(stream)

    def submit(self, frame: PipelineFrame, *, missed: int = 0) -> None:
        """Submit a frame to the model in use, from any thread; `missed` ones never arrived.

        Those were superseded where the stream's messages were left unread meanwhile, else lost.
        """
        was_held = frame.stream.was_held
        frame.stream.stats.see(
            missed=missed, cause='superseded' if was_held else 'lost_before_arrival'
        )
        try:
            pipeline = self._pipeline
            if pipeline is None:
                frame.drop('deactivated')
            elif not self.enabled:
                frame.drop('disabled')
            elif frame.stream.is_thinned(self._settings.every):
                frame.drop('thinned')
            else:
                pipeline.submit(frame)
        except BaseException:  # the thread of the arrivals dies here: its frame is counted
            frame.drop('arrival_lost')
            raise

    def close(self) -> None:
        """Free the models; one that is being loaded must have come to its end first."""
        for pipeline in self._pipelines():
            pipeline.close()
        self._draining = self._pipeline = self._load = self._reopening = self.detector = None

    def update(self) -> None:
        """Take a change as far as its threads have come."""
        if self._pipeline is not None and self._pipeline.problem:
            self._reopen(self._pipeline)
        if self._reopening is not None and self._reopening.is_open:
            self._resume(self._reopening)
        if self._load is None:
            return
        if self._draining is None:
            if self._load.pipeline.is_open:
                self._decide(self._load)
        elif self._draining.has_ended:
            self._draining.close()
            self._draining = None
            self._start(self._load)

    def _pipelines(self) -> list[FramePipeline]:
        loading = None if self._load is None else self._load.pipeline
        return [one for one in (self._draining, self._pipeline, loading) if one is not None]

    def _new_pipeline(self, model: str) -> FramePipeline:
        return FramePipeline(self._user, model=model, settings=self._settings)

    def _reopen(self, lost: FramePipeline) -> None:
        """Have another pipeline open the model; frames wait for it, and those of the lost one."""
        pipeline = self._new_pipeline(self.model)
        self._pipeline = self._reopening = pipeline
        lost.drain(successor=pipeline)
        pipeline.start()

    def _resume(self, pipeline: FramePipeline) -> None:
        self._reopening = None
        if pipeline is not self._pipeline:
            return  # another model has come meanwhile
        try:
            self.detector = pipeline.wait_until_open()
        except Exception as error:  # the errors of the runtimes share no base class
            WATCHDOG.give_up(f'The model cannot be opened again: {_reason(error)}')

    def _decide(self, load: _Load) -> None:
        if load.model != self._requested:
            self._discard(load)
            self._load_requested()
            return
        try:
            detector = load.pipeline.wait_until_open()
            if load.pipeline.problem:
                msg = f'{load.pipeline.problem}.'
                raise InferenceError(msg)
            self._user.check_model(detector)
        except Exception as error:  # the errors of the runtimes share no base class
            self._discard(load)
            self._requested = self.model
            self.change = f'refused: {_reason(error)}'
            self._user.on_model_refused(_reason(error))
            return
        assert self._pipeline is not None
        self._draining, self._pipeline = self._pipeline, load.pipeline
        self.detector, self.model = detector, load.model
        self._draining.drain(successor=load.pipeline)

    def _start(self, load: _Load) -> None:
        assert self.detector is not None
        self._load = None
        self.change = f'swapped to {load.model} in {perf_counter() - load.started_s:.1f} s'
        self._user.on_model_changed(self.detector)
        load.pipeline.start()
        if self._requested != self.model:
            self._load_requested()

    def _discard(self, load: _Load) -> None:
        load.pipeline.close()
        self._load = None

    def _load_requested(self) -> None:
        if self._requested == self.model:
            self.change = f'{self.model} stays'
            return
        self.change = f'loading {self._requested}'
        self._load = _Load(self._requested, self._new_pipeline(self._requested), perf_counter())


def _reason(error: Exception) -> str:
    """Return why a model cannot be used: our own errors are sentences, those of runtimes not."""
    if isinstance(error, InferenceError | ValueError):
        return str(error)
    first_line = str(error).strip().partition('\n')[0]
    return f'It fails in its runtime ({type(error).__name__}: {first_line}).'
