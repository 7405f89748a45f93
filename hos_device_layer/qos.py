"""The quality of service of each kind of topic and service; both ends use the same."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

# How many messages may wait for a busy reader. ROS keeps 10 by default: of 16 requests that are
# outstanding on one service six are never answered. All tasks that may run (max_running_tasks) may
# end at once, as when the manager stops. Fast DDS keeps 5000 samples at the most: a reader that is
# to keep more and is not spun acknowledges nothing from there on, and is sent the rest for ever.
DEPTH = 4000


def _profile(reliability: ReliabilityPolicy, depth: int) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability)


# Nothing of these may be lost.
SERVICE_QOS = _profile(ReliabilityPolicy.RELIABLE, DEPTH)
RESULT_QOS = _profile(ReliabilityPolicy.RELIABLE, DEPTH)
EVENT_QOS = _profile(ReliabilityPolicy.RELIABLE, DEPTH)

# A lost ping does no harm, and best effort understands every publisher.
PING_QOS = _profile(ReliabilityPolicy.BEST_EFFORT, DEPTH)

# The latest state is kept for a reader that the publisher knows before it is known to it.
DIAGNOSTICS_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

STREAM_DEPTH = 100


def stream_qos(node: Node, topic: str) -> QoSProfile:
    """Return the profile in which to subscribe to a stream: reliable where its publisher is."""
    offers = node.get_publishers_info_by_topic(node.resolve_topic_name(topic))
    reliable = offers and all(
        offer.qos_profile.reliability is ReliabilityPolicy.RELIABLE for offer in offers
    )
    return _profile(
        ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT, STREAM_DEPTH
    )
