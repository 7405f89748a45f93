"""Pure decisions: no ROS, no sockets, no files, no clock; time and ids are passed in."""
