"""Devices and callers that are ROS nodes, and devices behind a rosbridge server."""

from .link import ROS_LINK, RosLink

__all__ = ['ROS_LINK', 'RosLink']
