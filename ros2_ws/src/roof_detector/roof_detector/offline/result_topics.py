# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where in a result bag things are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from roof_detector.bags.topics import RESULT_NAMESPACE
from roof_detector.offline.manifest_values import manifest_names

LABELS = f'{RESULT_NAMESPACE}/labels'


@dataclass(frozen=True)
class ResultTopics:
    """Name the topics of what was found in the pictures of one image topic.

    They are those of the live node; where a bag has several image topics, those of each lie in a
    namespace of its own.
    """

    namespace: str

    @classmethod
    def of(cls, image_topic: str, *, alone: bool) -> ResultTopics:
        """Return the topics for an image topic."""
        return cls(RESULT_NAMESPACE if alone else f'{RESULT_NAMESPACE}{image_topic}')

    @classmethod
    def beside(cls, detections_topic: str) -> ResultTopics:
        """Return the topics that belong to a topic of detections."""
        return cls(detections_topic.rpartition('/')[0])

    @property
    def detections(self) -> str:
        """Return the topic of the Detection2DArray messages."""
        return f'{self.namespace}/detections'

    @property
    def frames(self) -> str:
        """Return the topic that says of each frame which it was, and whether it was read."""
        return f'{self.namespace}/frames'

    @property
    def candidates(self) -> str:
        """Return the topic of what was kept for other thresholds."""
        return f'{self.namespace}/candidates'

    @property
    def annotated(self) -> str:
        """Return the topic of annotated pictures."""
        return f'{self.namespace}/image_annotated/compressed'


def live_image_topic(topics: ResultTopics, manifest: Mapping[str, str]) -> str:
    """Return what one of several cameras in flight listened to, as the recorder's manifest has it.

    A camera that the manifest does not know is taken to have listened to `<name>/image`.
    """
    node, _, camera = topics.namespace.rpartition('/')
    cameras = manifest_names(manifest, f'parameter.{node}.cameras')
    given = dict(entry.partition(':')[::2] for entry in cameras)
    topic = given.get(camera) or f'{camera}/image'
    return topic if topic.startswith('/') else f'{node.rpartition("/")[0]}/{topic}'
