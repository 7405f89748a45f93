"""Connect any device to ROS 2, describe what it can do, call it like a function."""
