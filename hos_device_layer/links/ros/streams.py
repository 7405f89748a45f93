"""Subscriptions to streams, which follow what the publishers of their topics offer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from hos_interfaces.msg import DeviceStream
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from ...qos import NO_SUBSCRIPTION_EVENTS, STREAM_DEPTH, stream_qos

# How many subscriptions are compared with their publishers in one poll. A comparison takes 50 us,
# so the cost does not depend on the number of streams: 100 comparisons a second, 0.5 % of a core.
_CHECKS_PER_POLL = 5

OnSample = Callable[[Any], None]


class StreamSubscriptions:
    """
    The stream subscriptions of a node.

    A reliable subscription receives nothing from a best-effort publisher, and a best-effort one
    may lose samples of a reliable publisher; so each subscription is replaced when its publishers
    offer something else. `poll` must be called periodically on the executor's thread.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._turn: deque[StreamSubscription] = deque()

    def create(self, topic: str, on_sample: OnSample) -> StreamSubscription:
        """Subscribe to the stream of a topic."""
        subscription = StreamSubscription(self._node, topic, on_sample)
        self._turn.append(subscription)
        return subscription

    def poll(self) -> None:
        """Compare the next few subscriptions with their publishers."""
        for _ in range(min(_CHECKS_PER_POLL, len(self._turn))):
            subscription = self._turn.popleft()
            if not subscription.is_destroyed:
                subscription.check()
                self._turn.append(subscription)


class StreamSubscription:
    """
    The subscription to one stream; reports each sample once, also while it is replaced.

    Until the next subscription has received the same sample as the current one, only the current
    one reports samples.
    """

    def __init__(self, node: Node, topic: str, on_sample: OnSample) -> None:
        self.is_destroyed = False
        self._node = node
        self._topic = topic
        self._on_sample = on_sample
        self._latest: Any = None
        self._current = self._subscribe(stream_qos(node, topic))
        self._next: Subscription | None = None
        self._early: deque[Any] = deque(maxlen=STREAM_DEPTH)

    def check(self) -> None:
        """Replace the subscription if its publishers offer something else."""
        newest = self._next or self._current
        wanted = stream_qos(self._node, self._topic, newest.qos_profile)
        if wanted != newest.qos_profile:
            self._drop_next()
            if wanted != self._current.qos_profile:
                self._next = self._subscribe(wanted)
        if self._next is not None and self._can_hand_over():
            self._hand_over(self._next)

    def destroy(self) -> None:
        """End the subscription."""
        self.is_destroyed = True
        self._drop_next()
        self._node.destroy_subscription(self._current)

    def _subscribe(self, profile: QoSProfile) -> Subscription:
        def on_message(message: Any) -> None:
            if subscription is self._current:
                self._report(message)
            elif subscription is self._next:
                self._early.append(message)

        subscription = self._node.create_subscription(
            DeviceStream,
            self._topic,
            on_message,
            profile,
            event_callbacks=NO_SUBSCRIPTION_EVENTS,
        )
        return subscription

    def _report(self, message: Any) -> None:
        self._latest = message
        self._on_sample(message)

    def _can_hand_over(self) -> bool:
        if not self._current.get_publisher_count():
            return True
        return bool(self._early) and self._latest in (None, self._early[-1])

    def _hand_over(self, following: Subscription) -> None:
        self._node.destroy_subscription(self._current)
        self._current, self._next = following, None
        if self._latest is None:
            # Samples that were published before, which a transient local publisher has kept.
            for message in self._early:
                self._report(message)
        self._early.clear()

    def _drop_next(self) -> None:
        if self._next is not None:
            self._node.destroy_subscription(self._next)
            self._next = None
            self._early.clear()
