"""The quality of service of each kind of topic and service; both ends use the same."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.duration import Duration
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)

# How many messages are kept for a busy reader. With the ROS default of 10, six of 16 outstanding
# requests to one service are never answered. All running tasks (max_running_tasks) may end at
# once, for example when the manager stops. Fast DDS keeps at most 5000 samples: a reader with a
# larger depth that is not spun stops acknowledging there, and DDS resends the rest forever.
DEPTH = 4000


def _profile(reliability: ReliabilityPolicy, depth: int) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability)


# None of these messages may be lost.
SERVICE_QOS = _profile(ReliabilityPolicy.RELIABLE, DEPTH)
RESULT_QOS = _profile(ReliabilityPolicy.RELIABLE, DEPTH)
EVENT_QOS = _profile(ReliabilityPolicy.RELIABLE, DEPTH)

# A lost ping does no harm, and a best-effort reader matches every publisher.
PING_QOS = _profile(ReliabilityPolicy.BEST_EFFORT, DEPTH)

# The latest state is kept for a reader that discovers the publisher after it was sent.
DIAGNOSTICS_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)

# DDS reports a device manager that was killed after this time [s]; without a lease of its own, a
# publisher is given up with its participant, after 20 s.
STATUS_LEASE_S = 3.0


def _status_profile(depth: int) -> QoSProfile:
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
        liveliness=LivelinessPolicy.AUTOMATIC,
        liveliness_lease_duration=Duration(seconds=STATUS_LEASE_S),
    )


# Only the latest status of a device manager counts, but a reader may see several managers.
STATUS_QOS = _status_profile(1)
STATUS_READER_QOS = _status_profile(100)
# For entities that are destroyed while the node runs: in Jazzy, an events executor ends with a
# segmentation fault if an event of a destroyed entity, such as `matched`, is still queued
# (https://github.com/ros2/rclpy/issues/1644). The default event callbacks only log warnings.
NO_PUBLISHER_EVENTS = PublisherEventCallbacks(use_default_callbacks=False)
NO_SUBSCRIPTION_EVENTS = SubscriptionEventCallbacks(use_default_callbacks=False)

STREAM_DEPTH = 100

# For a stream that nobody publishes yet: a reliable publisher then loses no sample from its start.
_UNPUBLISHED_STREAM_QOS = _profile(ReliabilityPolicy.RELIABLE, STREAM_DEPTH)


def stream_offers(node: Node, topic: str) -> list[QoSProfile]:
    """
    Return the profiles of all publishers of a stream that DDS has discovered.

    This takes 1 ms where 1,000 devices have been discovered.
    """
    publishers = node.get_publishers_info_by_topic(node.resolve_topic_name(topic))
    return [publisher.qos_profile for publisher in publishers]


def stream_qos(
    offers: Sequence[QoSProfile], unpublished: QoSProfile = _UNPUBLISHED_STREAM_QOS
) -> QoSProfile:
    """
    Return the profile for a subscription to a stream: what all its publishers offer.

    Returns `unpublished` if there are no publishers.
    """
    if not offers:
        return unpublished
    profile = _profile(ReliabilityPolicy.BEST_EFFORT, STREAM_DEPTH)
    if all(offer.reliability is ReliabilityPolicy.RELIABLE for offer in offers):
        profile.reliability = ReliabilityPolicy.RELIABLE
        if all(offer.durability is DurabilityPolicy.TRANSIENT_LOCAL for offer in offers):
            # The latest samples from before the subscription are wanted, too.
            profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return profile
