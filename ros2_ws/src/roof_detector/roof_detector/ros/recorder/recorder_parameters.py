# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every parameter of the recorder node."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roof_detector.bags.bag_format import COMPRESSIONS, Compression
from roof_detector.bags.disk import RECORDER_FLOOR_BYTES
from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.parameters import HANG_LIMIT, Parameter, ParameterTable

# Recorded where they are there, and not missed where they are not.
OPTIONAL_TOPICS = (
    'detector/image_annotated/compressed',
    'camera/camera_info',
    'camera/fix',
    'camera/pose',
    'camera/ground_truth',
    'inspector/findings',
    'inspector/events',
    '/tf_static',
)
DEFAULT_TOPICS = (
    'detector/detections',
    'detector/labels',
    *OPTIONAL_TOPICS,
    '/diagnostics',
    '/parameter_events',
)

RECORDER_TABLE = ParameterTable(
    Parameter('record', default=False, description='Record from the start of the node.'),
    Parameter(
        'output_directory',
        '~/roof_detector_bags',
        'Folder in which each recording becomes a folder of its own.',
        live=True,
    ),
    Parameter(
        'bag_name',
        '',
        "Name of the recording's folder; empty takes flight_ and the time in UTC.",
        live=True,
    ),
    Parameter(
        'topics',
        DEFAULT_TOPICS,
        'What is recorded, as it appears; names are resolved and remapped as for any node.',
        live=True,
    ),
    Parameter(
        'source_images',
        default=False,
        description='Record the images themselves too, so that the flight can be replayed.',
        live=True,
    ),
    Parameter(
        'source_image_topics',
        ('camera/image', 'camera/image/compressed'),
        'The topics that source_images adds.',
        live=True,
    ),
    Parameter(
        'compression',
        'lz4',
        'How chunks are compressed; JPEGs gain nothing from it, all else does.',
        choices=COMPRESSIONS,
        live=True,
    ),
    Parameter(
        'flush_period_s',
        1.0,
        'At most this much is lost by a crash or a power cut.',
        minimum=0.1,
        maximum=60.0,
        live=True,
    ),
    Parameter(
        'max_file_gb',
        3.9,
        'Begin the next file of the bag at this size; 0 never does. FAT32 ends at 4.29 GB.',
        minimum=0.0,
        maximum=10_000.0,
        live=True,
    ),
    Parameter(
        'max_file_s',
        0.0,
        'Begin the next file of the bag after this time; 0 never does.',
        minimum=0.0,
        maximum=86_400.0,
        live=True,
    ),
    Parameter(
        'min_free_gb',
        RECORDER_FLOOR_BYTES / 1e9,
        'Stop recording before less than this is free on the disk.',
        minimum=0.0,
        maximum=1_000_000.0,
        live=True,
    ),
    Parameter(
        'delete_oldest',
        default=False,
        description='Delete earlier recordings, oldest first, before that stops a recording; '
        'those with a mark or a file named keep stay.',
        live=True,
    ),
    Parameter(
        'queue_mb',
        256.0,
        'Memory for what waits to be written; what does not fit is dropped and counted.',
        minimum=1.0,
        maximum=65_536.0,
        live=True,
    ),
    Parameter(
        'black_box',
        default=False,
        description='While not recording, keep the last seconds in memory and write them when a '
        'detection, a mark or the service trigger asks for it.',
        live=True,
    ),
    Parameter(
        'pre_roll_s',
        10.0,
        'How many seconds before a trigger the black box keeps.',
        minimum=0.0,
        maximum=3600.0,
        live=True,
    ),
    Parameter(
        'pre_roll_mb',
        256.0,
        'Memory for them; where it is too little, fewer seconds are kept.',
        minimum=1.0,
        maximum=65_536.0,
        live=True,
    ),
    Parameter(
        'post_roll_s',
        10.0,
        'How long the recording of an event goes on after its last trigger.',
        minimum=0.1,
        maximum=86_400.0,
        live=True,
    ),
    Parameter(
        'trigger_topic',
        'detector/detections',
        'Whose detections trigger; empty for none.',
        live=True,
    ),
    Parameter(
        'trigger_classes',
        (),
        'Names of the classes that trigger; empty for all.',
        live=True,
    ),
    Parameter(
        'trigger_confidence',
        0.5,
        'Minimum confidence of a detection that triggers.',
        minimum=0.0,
        maximum=1.0,
        live=True,
    ),
    Parameter(
        'manifest_nodes',
        ('detector', 'camera', 'inspector'),
        'Nodes whose parameters, and how they change, are written into the bag.',
    ),
    HANG_LIMIT,
)

# File systems take 255 bytes; a file's number and ending come behind the name.
_NAME_BYTES = 200


@dataclass(frozen=True, kw_only=True)
class RecorderSettings:
    """The parameters that a recording uses from its start."""

    record: bool
    output_directory: Path
    bag_name: str
    topics: tuple[str, ...]
    compression: Compression
    flush_period_s: float
    max_file_bytes: int
    max_file_s: float
    min_free_bytes: int
    delete_oldest: bool
    max_queue_bytes: int
    black_box: bool
    pre_roll_s: float
    pre_roll_bytes: int
    post_roll_s: float
    trigger_topic: str
    trigger_classes: tuple[str, ...]
    trigger_confidence: float
    manifest_nodes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.topics:
            msg = 'topics is empty: there is nothing to record. Name at least one topic.'
            raise ParameterError(msg)
        if self.bag_name != Path(self.bag_name).name or not _is_plain(self.bag_name):
            msg = (
                f'bag_name must be a plain folder name of at most {_NAME_BYTES} bytes, not '
                f'{self.bag_name!r}; the folder it lies in is output_directory.'
            )
            raise ParameterError(msg)

    @property
    def listening(self) -> tuple[object, ...]:
        """Return what decides what is listened to, and what the black box holds of it."""
        return self.topics, self.black_box, self.pre_roll_s, self.pre_roll_bytes

    @classmethod
    def of(cls, values: dict[str, Any]) -> RecorderSettings:
        """Return the settings of a table's values; raise ParameterError for invalid ones."""
        sources = values['source_image_topics'] if values['source_images'] else ()
        # What triggered a recording shall be in it.
        trigger = (values['trigger_topic'],) if values['black_box'] else ()
        return cls(
            record=values['record'],
            output_directory=Path(values['output_directory']).expanduser().absolute(),
            bag_name=values['bag_name'],
            topics=tuple(filter(None, dict.fromkeys((*values['topics'], *sources, *trigger)))),
            compression=values['compression'],
            flush_period_s=values['flush_period_s'],
            max_file_bytes=round(values['max_file_gb'] * 1e9),
            max_file_s=values['max_file_s'],
            min_free_bytes=round(values['min_free_gb'] * 1e9),
            delete_oldest=values['delete_oldest'],
            max_queue_bytes=round(values['queue_mb'] * 1e6),
            black_box=values['black_box'],
            pre_roll_s=values['pre_roll_s'],
            pre_roll_bytes=round(values['pre_roll_mb'] * 1e6),
            post_roll_s=values['post_roll_s'],
            trigger_topic=values['trigger_topic'],
            trigger_classes=values['trigger_classes'],
            trigger_confidence=values['trigger_confidence'],
            manifest_nodes=values['manifest_nodes'],
        )


def _is_plain(name: str) -> bool:
    """Return whether a bag's folder, and its files with their endings, may have this name."""
    printable = all(character.isprintable() for character in name)
    return printable and name != '..' and len(os.fsencode(name)) <= _NAME_BYTES
