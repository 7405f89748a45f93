"""The results that this device manager has put on the ROS topic of results itself."""

from __future__ import annotations

from collections import OrderedDict

from ..core.dispatch.events import ResultReported

# Messages come back within milliseconds; those from before DDS has discovered its own
# subscription never do.
_MAX_AWAITED = 1_000


class PublishedResults:
    """
    Results of commands that ROS nodes sent to gateway devices, until they come back.

    rclpy cannot keep the messages of a node from its own subscriptions.
    """

    def __init__(self) -> None:
        self._awaited: OrderedDict[ResultReported, int] = OrderedDict()

    def add(self, result: ResultReported) -> None:
        """Record a result; must be called before it is published."""
        self._awaited[result] = self._awaited.pop(result, 0) + 1
        if len(self._awaited) > _MAX_AWAITED:
            self._awaited.popitem(last=False)

    def take(self, result: ResultReported) -> bool:
        """Return whether a received result is a recorded one; each counts once."""
        count = self._awaited.pop(result, 0)
        if count > 1:
            self._awaited[result] = count - 1
        return count > 0
