"""Subscriptions to streams, which follow what the publishers of their topics offer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from hos_interfaces.msg import DeviceStream
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.subscription import Subscription

from ...qos import NO_SUBSCRIPTION_EVENTS, STREAM_DEPTH, stream_offers, stream_qos

# How many subscriptions are looked at in one poll: 1,000 of them in a second, 0.2 % of a core.
_LOOKS_PER_POLL = 50

# How many of them are compared with their publishers in one poll. DDS looks through all that it
# has discovered: 0.05 ms for a few devices, 1 ms for 1,000.
_CHECKS_PER_POLL = 2

# The share of the time in which all of them are compared, one after the other.
_ROUTINE_SHARE = 0.01

OnSample = Callable[[Any], None]


class StreamSubscriptions:
    """
    The stream subscriptions of a node.

    A reliable subscription receives nothing from a best-effort publisher, and a best-effort one
    may lose samples of a reliable publisher; so each subscription is replaced when its publishers
    offer something else. `poll` must be called periodically on the executor's thread.
    """

    def __init__(self, node: Node, clock: Callable[[], float] = perf_counter) -> None:
        self._node = node
        self._clock = clock
        self._looked_at: deque[StreamSubscription] = deque()
        self._checked: deque[StreamSubscription] = deque()
        self._next_routine_check = clock()

    def create(self, topic: str, on_sample: OnSample) -> StreamSubscription:
        """Subscribe to the stream of a topic."""
        subscription = StreamSubscription(self._node, topic, on_sample)
        self._looked_at.append(subscription)
        self._checked.append(subscription)
        return subscription

    def poll(self) -> None:
        """Check the next few subscriptions that may not fit their publishers."""
        checks = 0
        for subscription in _in_turn(self._looked_at, _LOOKS_PER_POLL):
            subscription.hand_over()
            if subscription.may_not_fit():
                subscription.check()
                checks += 1
            if checks == _CHECKS_PER_POLL:
                break
        started = self._clock()
        if started >= self._next_routine_check:
            # A publisher that does not match, or replaces another one at once, changes no number.
            for subscription in _in_turn(self._checked, 1):
                subscription.check()
            ended = self._clock()
            self._next_routine_check = ended + (ended - started) / _ROUTINE_SHARE


def _in_turn(queue: deque[StreamSubscription], most: int) -> Iterator[StreamSubscription]:
    """Move subscriptions to the end as they are taken, and remove those that were destroyed."""
    for _ in range(min(most, len(queue))):
        subscription = queue.popleft()
        if not subscription.is_destroyed:
            queue.append(subscription)
            yield subscription


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
        offers = stream_offers(node, topic)
        self._current = self._subscribe(stream_qos(offers))
        self._next: Subscription | None = None
        self._early: deque[Any] = deque(maxlen=STREAM_DEPTH)
        self._publisher_count = len(offers)

    @property
    def is_latched(self) -> bool:
        """Whether late subscribers receive the latest samples: all publishers keep them."""
        return self._current.qos_profile.durability is DurabilityPolicy.TRANSIENT_LOCAL

    def may_not_fit(self) -> bool:
        """Whether publishers have come or gone since the last check."""
        return self._current.get_publisher_count() != self._publisher_count

    def check(self) -> None:
        """Replace the subscription if its publishers offer something else."""
        self._publisher_count = self._current.get_publisher_count()
        newest = self._next or self._current
        wanted = stream_qos(stream_offers(self._node, self._topic), newest.qos_profile)
        if wanted != newest.qos_profile:
            self._drop_next()
            if wanted != self._current.qos_profile:
                self._next = self._subscribe(wanted)
        self.hand_over()

    def hand_over(self) -> None:
        """Let the next subscription take the place of the current one if it can."""
        if self._next is None or not self._can_hand_over():
            return
        self._node.destroy_subscription(self._current)
        self._current, self._next = self._next, None
        self._publisher_count = 0  # to be checked once more
        if self._latest is None:
            # Samples that were published before, which a transient local publisher has kept.
            for message in self._early:
                self._report(message)
        self._early.clear()

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

    def _drop_next(self) -> None:
        if self._next is not None:
            self._node.destroy_subscription(self._next)
            self._next = None
            self._early.clear()
