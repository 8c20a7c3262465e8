# syntax=docker/dockerfile:1
# What flies, on x86-64 and arm64, beside the official ROS image: no torch, no ultralytics.
#   docker build -f docker/flight.Dockerfile -t roof_detector:flight .
#   docker run --rm --network host --ipc host --device /dev/video0 -v bags:/data roof_detector:flight \
#     ros2 launch roof_detector drone.launch.py source:=/dev/video0 record:=true output_directory:=/data
ARG ROS_DISTRO=jazzy
FROM ros:${ROS_DISTRO}-ros-base

# binutils has `strip`, with which pypi_ros/lighten.py saves 57 MB.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        binutils \
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
RUN set +u && source "/opt/ros/${ROS_DISTRO}/setup.bash" && make flight && rm -rf /root/.cache

RUN useradd --system --create-home --groups video roof_detector \
    && install --directory --owner roof_detector /data
USER roof_detector
VOLUME /data
ENTRYPOINT ["/opt/roof_detector/docker/with_ros.bash"]
CMD ["ros2", "launch", "roof_detector", "detector.launch.py"]
