#!/usr/bin/env bash
# Run a command in the environment of ROS and of roof_detector, as images and systemd units do.
set -eo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
source "/opt/ros/${ROS_DISTRO:-jazzy}/setup.bash"
source "$root/pypi_ros/env.bash"
exec "$@"
