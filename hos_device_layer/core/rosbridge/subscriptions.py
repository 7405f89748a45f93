"""Which sessions receive the messages of which topics."""

from __future__ import annotations

import math
from typing import Protocol

from .compression import NONE, encode_publication, strongest
from .frames import FrameId, Subscribe
from .latched_samples import LatchedSamples
from .messages import ConnectionInfo, DeviceAPICallResult, DeviceStream

PublishedMessage = ConnectionInfo | DeviceAPICallResult | DeviceStream


class Subscriber(Protocol):
    """What subscriptions need of a session; each id of a topic counts as one subscription."""

    subscription_count: int

    def send_text(self, text: str | bytes) -> None:
        """Queue an encoded frame for the peer."""


class _Subscription:
    """A session's subscription to a topic by the name it sent; may have several ids."""

    def __init__(self, subscriber: Subscriber, sent_name: str) -> None:
        self.subscriber = subscriber
        self.sent_name = sent_name
        self.compression = NONE
        self._interval = 0.0  # [s] between two messages, at least
        self._latest = -math.inf
        # By id: the interval and the compression.
        self._requests: dict[FrameId, tuple[float, str]] = {}

    def add(self, frame: Subscribe) -> None:
        self.subscriber.subscription_count -= len(self._requests)
        self._requests[frame.id] = frame.throttle_rate / 1000, frame.compression
        self._update()

    def remove(self, frame_id: FrameId) -> bool:
        """Remove an id, or all without one; returns whether none is left."""
        self.subscriber.subscription_count -= len(self._requests)
        if frame_id is None:
            self._requests.clear()
        self._requests.pop(frame_id, None)
        self._update()
        return not self._requests

    def has(self, frame_id: FrameId) -> bool:
        return frame_id in self._requests

    def is_due(self, now: float) -> bool:
        """Return whether a message is sent now, and not skipped."""
        if now < self._latest + self._interval:
            return False
        self._latest = now
        return True

    def _update(self) -> None:
        self.subscriber.subscription_count += len(self._requests)
        if self._requests:
            # As in rosbridge, every id receives what the most demanding one asks for.
            intervals, compressions = zip(*self._requests.values())
            self._interval = min(intervals)
            self.compression = strongest({*compressions})


class Subscriptions:
    """The subscriptions of all sessions, by topic."""

    def __init__(self) -> None:
        self.latched = LatchedSamples()
        self._topics: dict[str, dict[tuple[Subscriber, str], _Subscription]] = {}
        self._of: dict[Subscriber, dict[str, _Subscription]] = {}

    def is_wanted(self, topic: str) -> bool:
        """Return whether messages of a topic must be published; may be called from any thread."""
        return topic in self._topics or self.latched.concerns(topic)

    def add(self, subscriber: Subscriber, topic: str, frame: Subscribe) -> None:
        """Subscribe a session to a topic; a new id receives the latched sample."""
        own = self._of.setdefault(subscriber, {})
        subscription = own.get(frame.topic)
        if subscription is None:
            subscription = own[frame.topic] = _Subscription(subscriber, frame.topic)
            self._topics.setdefault(topic, {})[subscriber, frame.topic] = subscription
        is_new = not subscription.has(frame.id)
        subscription.add(frame)
        if is_new and (sample := self.latched.sample(topic)):
            subscriber.send_text(encode_publication(frame.topic, sample, subscription.compression))

    def remove(self, subscriber: Subscriber, sent_name: str, frame_id: FrameId) -> None:
        """End a subscription; without an id, all of the session to this topic."""
        own = self._of.get(subscriber, {})
        subscription = own.get(sent_name)
        if subscription is None or not subscription.remove(frame_id):
            return
        del own[sent_name]
        if not own:
            del self._of[subscriber]
        topic = sent_name.removeprefix('/')
        subscriptions = self._topics[topic]
        del subscriptions[subscriber, sent_name]
        if not subscriptions:
            del self._topics[topic]

    def remove_all(self, subscriber: Subscriber) -> None:
        """End all subscriptions and latched topics of a session."""
        for sent_name in list(self._of.get(subscriber, ())):
            self.remove(subscriber, sent_name, None)
        self.latched.unlatch_all(subscriber)

    def publish(
        self, topic: str, message: PublishedMessage, now: float, is_latched: bool = False
    ) -> None:
        """Send a message to the subscribers of its topic; encodes it once in each form."""
        if isinstance(message, DeviceStream):
            self.latched.take(topic, message, is_latched)
        encoded: dict[tuple[str, str], str | bytes] = {}
        for subscription in list(self._topics.get(topic, {}).values()):
            if not subscription.is_due(now):
                continue
            form = subscription.sent_name, subscription.compression
            if form not in encoded:
                name, compression = form
                encoded[form] = encode_publication(name, message, compression)
            subscription.subscriber.send_text(encoded[form])
