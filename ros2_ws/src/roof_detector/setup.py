# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from glob import glob

from setuptools import find_packages, setup

name = 'roof_detector'

setup(
    name=name,
    version='0.1.0',
    description='Find rooftop equipment and defects in drone pictures, on board and after.',
    license='AGPL-3.0-only',
    packages=find_packages(include=[name, f'{name}.*']),
    package_data={
        '': [
            'models/*.yaml',
            'weights/*',
            'golden_images/*.png',
            'definitions/*/msg/*.msg',
            'tables/*.yaml',
            'texts/*.yaml',
            'static/*',
        ],
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{name}']),
        (f'share/{name}', ['package.xml']),
        (f'share/{name}/launch', glob('launch/*.launch.py')),
        (f'share/{name}/config', glob('config/*')),
    ],
    zip_safe=False,
    entry_points={
        'console_scripts': [
            'detector = roof_detector.ros.detector.detector_node:main',
            'camera = roof_detector.ros.camera.camera_node:main',
            'simulated_flight = roof_detector.ros.camera.simulated_flight_node:main',
            'recorder = roof_detector.ros.recorder.recorder_node:main',
            'station = roof_detector.station.station_node:main',
            'roof_detector = roof_detector.cli.main:main',
        ],
    },
)
