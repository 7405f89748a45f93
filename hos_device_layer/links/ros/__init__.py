"""Devices that serve ROS services and publish ROS topics themselves."""
