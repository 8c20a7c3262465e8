# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether the light set has wheels for every computer that flies: `python pypi_ros/platforms.py`.

Asks the package index for the extra `flight` on x86-64 and arm64, with the Python of each ROS 2
distribution, and allows nothing that would have to be compiled. Prints a table, and returns 1 if
one of them cannot be installed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from lock import PROJECT

DISTRIBUTIONS = {'Humble': '3.10', 'Jazzy': '3.12', 'Kilted': '3.12', 'Lyrical': '3.14'}
# manylinux_2_35 is Ubuntu 22.04, that of Humble: what runs there runs on the later ones.
PLATFORMS = ('x86_64-manylinux_2_35', 'aarch64-manylinux_2_35')
SHOWN = ('numpy', 'opencv-python-headless', 'openvino', 'onnxruntime', 'av', 'pyproj')


def main() -> int:
    """Print what each distribution would get; return the exit code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.parse_args()
    print(f'| ROS 2 | Python | processor | packages | {" | ".join(SHOWN)} |')
    print(f'| --- | --- | --- | ---: | {" | ".join("---" for _ in SHOWN)} |')
    failed = 0
    for name, version in DISTRIBUTIONS.items():
        for platform in PLATFORMS:
            done = subprocess.run(
                [
                    sys.executable, '-m', 'uv', 'pip', 'compile', '--quiet', '--no-annotate',
                    '--no-header', '--only-binary', ':all:', '--python-version', version,
                    '--python-platform', platform, '--extra', 'flight', str(PROJECT),
                ],
                capture_output=True,
                text=True,
                check=False,
            )  # fmt: skip
            processor = platform.partition('-')[0]
            if done.returncode:
                failed += 1
                print(f'| {name} | {version} | {processor} | none | |')
                print(done.stderr, file=sys.stderr)
                continue
            found = dict(line.split('==') for line in done.stdout.split() if '==' in line)
            versions = ' | '.join(found.get(one, '') for one in SHOWN)
            print(f'| {name} | {version} | {processor} | {len(found)} | {versions} |')
    return int(failed > 0)


if __name__ == '__main__':
    sys.exit(main())
