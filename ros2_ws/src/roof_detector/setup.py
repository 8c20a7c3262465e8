# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The files that ROS looks for; all else is in pyproject.toml. colcon runs this file."""

from glob import glob

from setuptools import setup

NAME = 'roof_detector'

setup(
    license='AGPL-3.0-only',  # because ultralytics is; setuptools 68 and 79 read it here alike
    # A text: of what pyproject.toml would make of it colcon can read nothing.
    python_requires='>=3.10,<3.15',
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        # colcon build --symlink-install links what is listed here beside setup.py, and no more.
        (f'share/{NAME}', ['package.xml', 'pyproject.toml']),
        (f'share/{NAME}/launch', glob('launch/*.launch.py')),
        (f'share/{NAME}/config', glob('config/*')),
    ],
)
