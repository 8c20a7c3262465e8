# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What tests read of a bag: its frames' numbers, its metadata, and its files as they are."""

from __future__ import annotations

import yaml

from roof_detector.bags.reader import BagReader


def numbers(path):
    with BagReader(path) as bag:
        return [bag.deserialize(message).header.stamp.sec for message in bag.messages()]


def information(path):
    return yaml.safe_load((path / 'metadata.yaml').read_text())['rosbag2_bagfile_information']


def snapshot(path):
    return {
        file: (file.read_bytes(), file.stat().st_mtime_ns)
        for file in path.rglob('*')
        if file.is_file()
    }
