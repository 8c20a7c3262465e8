# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page `docs/reference/dataset_formats.md`."""

from __future__ import annotations

from training.dataset.formats.registry import FORMATS

_HEAD = """# Formats of data sets

What `roof_detector dataset` and `roof_detector evaluate` read, written by
`make generate` from the table of readers (`training/dataset/formats/registry.py`). A format is
known by its content, never by the name of a file; a folder that holds several says which of them
is read.

| format | key | what is read |
| --- | --- | --- |
"""
_REFUSED = """
These are known and refused, each with what to export instead:

| format | instead |
| --- | --- |
"""
_FOOT = """
- Shapes without an area (points, lines, keypoints alone) are faults, with file and entry; draw a
  box or a polygon, or leave those images out with `--skip-faulty`.
- What is left out on purpose (crowds, ignored regions, boxes of tracks that have left the image,
  keypoints beside boxes) is counted by its cause in the report, in JSON under `skipped`.
- A path of another machine (`/content/...`, `C:\\...`, a URL, `/data/upload/...` of Label Studio)
  finds the image with the longest equal end; one that fits several images alike is a fault.
- An image without labels is a background and counted.
- Class names are text: `no`, `on`, `null` and `1.0` stay what they are.
"""


def dataset_formats_page() -> str:
    """Return the page: a row for each format."""
    read = ''.join(
        f'| {one.title} | `{one.key}` | {one.holds} |\n'
        for one in FORMATS
        if one.read is not None or one.holds
    )
    refused = ''.join(
        f'| {one.title} | {one.instead} |\n' for one in FORMATS if one.instead and not one.read
    )
    return _HEAD + read + _REFUSED + refused + _FOOT
