"""The rules of the device layer, without ROS, sockets, files or a clock."""
