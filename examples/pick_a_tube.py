"""
A node that calls functions of a device, one after the other, and uses their typed results.

    ./hos up                                         # in one terminal
    ./hos python examples/pick_a_tube.py             # in another
"""

from __future__ import annotations

import sys

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from hos_device_layer.device_api import CallFailedError
from hos_device_layer.gen.hos_device_api import delta_arm_move, delta_gripper_set


class TubePicker(Node):
    """Picks up a tube with an arm that hangs over it."""

    def __init__(self) -> None:
        super().__init__('tube_picker')

    async def pick(self, arm: str, x: float, y: float) -> bool:
        """Return whether the gripper holds a tube."""
        try:
            point = await delta_arm_move(self, arm, x=x, y=y, z=-30.0)
            self.get_logger().info(f'{arm} is at {point.x}, {point.y}, {point.z} mm')
            gripper = await delta_gripper_set(self, arm, closed=True)
        except CallFailedError as error:
            self.get_logger().error(str(error))
            return False
        self.get_logger().info(f'the gripper pushes with {gripper.force} mN')
        return gripper.holding


def main() -> int:
    """Pick up one tube; returns 0 if that worked."""
    rclpy.init()
    picker = TubePicker()
    executor = SingleThreadedExecutor()
    executor.add_node(picker)
    picked = executor.create_task(picker.pick, 'H4001', 12.5, -40.0)
    executor.spin_until_future_complete(picked)
    rclpy.shutdown()
    return 0 if picked.result() else 1


if __name__ == '__main__':
    sys.exit(main())
