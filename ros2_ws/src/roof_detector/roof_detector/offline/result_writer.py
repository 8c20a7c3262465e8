# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Writes the result bag of one recorded input."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from roof_detector.bags.finding_messages import (
    COMPRESSED_IMAGE,
    DETECTIONS,
    LABELS,
    jpeg_bytes,
    labels_bytes,
    read_detections,
)
from roof_detector.bags.mask_messages import MASKS, read_masks
from roof_detector.bags.provenance import WRITTEN_BY, software_versions
from roof_detector.bags.qos import LATCHED, OfferedQos
from roof_detector.bags.typestore import shared_typestore
from roof_detector.bags.writer import BagWriter
from roof_detector.offline.frame_record import FRAME_TYPE, FrameRecord
from roof_detector.offline.manifest import (
    CANDIDATES_FLOOR,
    IMAGE_TOPICS,
    INPUT,
    NETWORK,
    PARAMETERS,
    RASTER,
    SOURCE_FILES,
)
from roof_detector.offline.result_topics import LABELS as LABELS_TOPIC
from roof_detector.offline.result_topics import ResultTopics
from roof_detector.offline.settings import parameters_text
from roof_detector.vision.drawing import draw_detections
from roof_detector.vision.frame_findings import FrameFindings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inputs.frame import PassthroughMessages, PassthroughTopic
    from roof_detector.offline.journal import Inferred
    from roof_detector.offline.settings import DetectSettings, NetworkFacts

WRITER = 'roof_detector replay'
_RESULTS_QOS = OfferedQos(history='keep_last', depth=10)
_IMAGES_QOS = OfferedQos(history='keep_last', depth=1)


class ResultWriter:
    """Writes a result bag: the same results give the same bytes, at any time and on any machine.

    Therefore the bag holds no time of the clock, and its chunks end by size alone. `files` is the
    text of `files_text` for the files of a bag or video, `raster` the place of an orthophoto. With
    `keeps_masks` the masks of a network that has them are kept.
    """

    def __init__(
        self,
        bag: Path,
        *,
        source: str,
        files: str,
        image_topics: Sequence[str],
        passthrough_topics: Sequence[PassthroughTopic],
        network: NetworkFacts,
        settings: DetectSettings,
        raster: str = '',
        keeps_masks: bool = True,
    ) -> None:
        self._source = source
        self._raster = raster
        self._files = files
        self._network = network
        self._settings = settings
        self._keeps_masks = keeps_masks and network.task == 'segment'
        self._labels_written = False
        alone = len(image_topics) == 1
        self._topics = {name: ResultTopics.of(name, alone=alone) for name in image_topics}
        self.manifest = self._manifest()
        self._bag = BagWriter(bag, flush_period_s=math.inf, manifest=self.manifest)
        self._bag.add_topic(LABELS_TOPIC, LABELS, offered_qos=[LATCHED])
        for topics in self._topics.values():
            self._bag.add_topic(topics.frames, FRAME_TYPE, offered_qos=[_RESULTS_QOS])
            self._bag.add_topic(topics.detections, DETECTIONS, offered_qos=[_RESULTS_QOS])
            if settings.output.keep_candidates is not None:
                self._bag.add_topic(topics.candidates, DETECTIONS, offered_qos=[_RESULTS_QOS])
            if self._keeps_masks:
                self._bag.add_topic(topics.masks, MASKS, offered_qos=[_RESULTS_QOS])
            if settings.output.annotated:
                self._bag.add_topic(topics.annotated, COMPRESSED_IMAGE, offered_qos=[_IMAGES_QOS])
        for topic in passthrough_topics:
            self._bag.add_topic(
                topic.name,
                topic.schema.type_name,
                offered_qos=topic.offered_qos,
                schema=topic.schema,
            )

    def write(
        self,
        record: FrameRecord,
        inferred: Inferred,
        *,
        log_time_ns: int,
        image_bgr: NDArray[np.uint8] | None = None,
    ) -> FrameFindings | None:
        """Write the results of a frame; return its findings, None if it was unreadable."""
        topics = self._topics[record.topic]
        if not self._labels_written:
            self._labels_written = True
            labels = labels_bytes(
                self._network.names,
                threshold=self._settings.thresholds.confidence,
                stamp_ns=record.stamp_ns,
            )
            self._bag.write(LABELS_TOPIC, labels, log_time_ns=log_time_ns)
        self._bag.write(topics.frames, record.to_bytes(), log_time_ns=log_time_ns)
        if record.error:
            return None
        self._bag.write(topics.detections, inferred.detections, log_time_ns=log_time_ns)
        if self._settings.output.keep_candidates is not None:
            self._bag.write(topics.candidates, inferred.candidates, log_time_ns=log_time_ns)
        if self._keeps_masks:
            self._bag.write(topics.masks, inferred.masks, log_time_ns=log_time_ns)
        findings = self._findings(record, inferred)
        if self._settings.output.annotated and image_bgr is not None:
            jpeg = self._annotated(findings, image_bgr)
            self._bag.write(topics.annotated, jpeg, log_time_ns=log_time_ns)
        return findings

    def pass_through(self, passthrough: PassthroughMessages) -> None:
        """Copy messages unchanged."""
        for message in passthrough.messages:
            self._bag.write(message.topic, message.data, log_time_ns=message.log_time_ns)

    def close(self) -> None:
        """Finish the bag."""
        self._bag.close()

    def _findings(self, record: FrameRecord, inferred: Inferred) -> FrameFindings:
        """Read back what was written, so that exports are the same whenever they are made."""
        message = shared_typestore().deserialize_cdr(inferred.detections, DETECTIONS)
        detections = read_detections(message, names=self._network.names)
        if self._keeps_masks:
            message = shared_typestore().deserialize_cdr(inferred.masks, MASKS)
            masks = read_masks(message, detections, size_wh=record.size_wh)
            detections = replace(detections, masks=masks)
        return FrameFindings(
            source=self._source,
            topic=record.topic,
            index=record.index,
            name=record.name,
            stamp_ns=record.stamp_ns,
            frame_id=record.frame_id,
            size_wh=record.size_wh,
            detections=detections,
            class_names=self._network.names,
            inference_s=inferred.inference_s or None,
            content=record.content,
            moment=record.moment,
        )

    def _annotated(self, findings: FrameFindings, image_bgr: NDArray[np.uint8]) -> bytes:
        drawn = draw_detections(image_bgr, findings.detections, findings.class_names)
        quality = [cv2.IMWRITE_JPEG_QUALITY, self._settings.output.jpeg_quality]
        _, jpeg = cv2.imencode('.jpg', drawn, quality)
        return jpeg_bytes(jpeg.tobytes(), stamp_ns=findings.stamp_ns, frame_id=findings.frame_id)

    def _manifest(self) -> dict[str, str]:
        floor = self._settings.output.keep_candidates
        return {
            WRITTEN_BY: WRITER,
            **software_versions(),
            'model': self._network.model,
            'model_sha256': self._network.model_sha256,
            'class_names': json.dumps(self._network.names),
            PARAMETERS: parameters_text(self._settings),
            NETWORK: self._network.to_text(),
            INPUT: self._source,
            SOURCE_FILES: self._files,
            IMAGE_TOPICS: json.dumps({k: v.detections for k, v in self._topics.items()}),
            CANDIDATES_FLOOR: '' if floor is None else f'{floor:g}',
            **({RASTER: self._raster} if self._raster else {}),
        }
