# syntax=docker/dockerfile:1
# The ground station, inspections and reports: the light set and what `ground` and `signing` add.
#   docker build -f docker/ground.Dockerfile -t roof_detector:ground .
#   docker run --rm --network host --ipc host -v flights:/data roof_detector:ground
ARG ROS_DISTRO=jazzy
FROM ros:${ROS_DISTRO}-ros-base

RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        binutils \
        fonts-noto-cjk \
        make \
        python3-venv \
        "ros-${ROS_DISTRO}-cv-bridge" \
        "ros-${ROS_DISTRO}-diagnostic-msgs" \
        "ros-${ROS_DISTRO}-ffmpeg-image-transport-msgs" \
        "ros-${ROS_DISTRO}-foxglove-msgs" \
        "ros-${ROS_DISTRO}-nav-msgs" \
        "ros-${ROS_DISTRO}-rmw-fastrtps-cpp" \
        "ros-${ROS_DISTRO}-vision-msgs" \
        "ros-${ROS_DISTRO}-visualization-msgs" \
    && rm -rf /var/lib/apt/lists/*

COPY . /opt/roof_detector
WORKDIR /opt/roof_detector
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# The versions of the full environment, without the hashes that a constraint cannot have.
RUN set +u && source "/opt/ros/${ROS_DISTRO}/setup.bash" && make flight \
    && tag="cp$(python3 -c 'import sys; print(*sys.version_info[:2], sep="")')" \
    && sed -E '/^ +--hash/d; s/ \\$//' "pypi_ros/pins/$tag.txt" > /tmp/constraints.txt \
    && .venv/bin/python -m pip install --no-cache-dir --constraint /tmp/constraints.txt \
        "./ros2_ws/src/roof_detector[flight,ground,signing]" \
    && rm -rf /root/.cache /tmp/constraints.txt

RUN useradd --system --create-home roof_detector \
    && install --directory --owner roof_detector /data
USER roof_detector
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/opt/roof_detector/docker/with_ros.bash"]
CMD ["ros2", "launch", "roof_detector", "station.launch.py", "folder:=/data"]
