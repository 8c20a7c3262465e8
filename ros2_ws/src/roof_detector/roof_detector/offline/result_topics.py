# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The topics of a result bag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.topics import RESULT_NAMESPACE
from roof_detector.offline.manifest import manifest_names

if TYPE_CHECKING:
    from collections.abc import Mapping

LABELS = f'{RESULT_NAMESPACE}/labels'


@dataclass(frozen=True)
class ResultTopics:
    """The topics of the results of one image topic.

    They are those of the live node; in a bag with several image topics, the results of each have a
    namespace of their own.
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
        """Return the topic of the frame records: which frame it was, and whether it was read."""
        return f'{self.namespace}/frames'

    @property
    def candidates(self) -> str:
        """Return the topic of the candidates, which were kept for other thresholds."""
        return f'{self.namespace}/candidates'

    @property
    def masks(self) -> str:
        """Return the topic of the masks; the live node's are images, under another name."""
        return f'{self.namespace}/masks_rle'

    @property
    def annotated(self) -> str:
        """Return the topic of the annotated images."""
        return f'{self.namespace}/image_annotated/compressed'


def live_image_topic(topics: ResultTopics, manifest: Mapping[str, str]) -> str:
    """Return the image topic of one of several cameras in flight, from the recorder's manifest.

    The default for a camera that the manifest does not name is `<name>/image`.
    """
    node, _, camera = topics.namespace.rpartition('/')
    cameras = manifest_names(manifest, f'parameter.{node}.cameras')
    given = dict(entry.partition(':')[::2] for entry in cameras)
    topic = given.get(camera) or f'{camera}/image'
    return topic if topic.startswith('/') else f'{node.rpartition("/")[0]}/{topic}'
