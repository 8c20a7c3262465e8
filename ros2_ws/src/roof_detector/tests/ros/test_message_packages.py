# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The message packages that ROS from PyPI lacks are those that a ROS installation has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ament_index_python import get_package_share_directory
from rosbags.typesys import Stores, get_typestore

from roof_detector.bags.typestore import shared_typestore

PACKAGES = (
    'ffmpeg_image_transport_msgs',
    'foxglove_msgs',
    'nav_msgs',
    'vision_msgs',
    'visualization_msgs',
)


def type_hashes(package):
    """Return the hash of each message of a package as it is built here."""
    files = Path(get_package_share_directory(package), 'msg').glob('*.json')
    return {
        entry['type_name']: entry['hash_string']
        for file in files
        for entry in json.loads(file.read_text())['type_hashes']
        if entry['type_name'] == f'{package}/msg/{file.stem}'
    }


@pytest.mark.parametrize('package', PACKAGES)
def test_messages_have_the_type_hashes_by_which_nodes_recognise_each_other(package):
    built = type_hashes(package)
    if not built:
        pytest.skip(f'{package} has no type hashes: they began with ROS 2 Iron')
    # Of ROS's own packages rosbags knows the released definitions, of the others ours are read.
    released = get_typestore(Stores.ROS2_JAZZY)
    known = released if package in ('nav_msgs', 'visualization_msgs') else shared_typestore()
    ours = {name: known.hash_rihs01(name) for name in built if name in known.fielddefs}
    assert ours and built == {**built, **ours}
