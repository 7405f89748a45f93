"""Which sessions receive the messages of which topics."""

from __future__ import annotations

import math
from collections.abc import Iterable
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
        self.form = sent_name, NONE  # the name and the compression of what is sent
        self.interval = 0.0  # [s] between two messages, at least
        self.latest = -math.inf  # when a message was sent
        self.due = -math.inf  # when the next one may be sent
        # By id: the interval and the compression.
        self._requests: dict[FrameId, tuple[float, str]] = {}

    def add(self, frame: Subscribe) -> bool:
        """Add an id, or change what it asks for; returns whether it is new."""
        is_new = frame.id not in self._requests
        self.subscriber.subscription_count += is_new
        request = frame.throttle_rate / 1000, frame.compression
        # Without a look at the others, of which there may be a thousand.
        is_more = is_new and bool(self._requests)
        self._requests[frame.id] = request
        if is_more:
            self._ask([(self.interval, self.form[1]), request])
        else:
            self._ask(self._requests.values())
        return is_new

    def remove(self, frame_id: FrameId) -> bool:
        """Remove an id, or all without one; returns whether none is left."""
        before = len(self._requests)
        if frame_id is None:
            self._requests.clear()
        self._requests.pop(frame_id, None)
        self.subscriber.subscription_count -= before - len(self._requests)
        if self._requests:
            self._ask(self._requests.values())
        return not self._requests

    def _ask(self, requests: Iterable[tuple[float, str]]) -> None:
        # As in rosbridge, every id receives what the most demanding one asks for.
        intervals, compressions = zip(*requests)
        self.interval = min(intervals)
        self.due = self.latest + self.interval
        self.form = self.form[0], strongest({*compressions})


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
        if subscription.add(frame) and (sample := self.latched.sample(topic)):
            subscriber.send_text(_encode(subscription.form, sample))

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
        if isinstance(message, DeviceStream) and (is_latched or self.latched.concerns(topic)):
            self.latched.take(topic, message, is_latched)
        encoded: dict[tuple[str, str], str | bytes] = {}
        for subscription in list(self._topics.get(topic, {}).values()):
            if now < subscription.due:
                continue
            subscription.latest = now
            subscription.due = now + subscription.interval
            data = encoded.get(subscription.form)
            if data is None:
                data = encoded[subscription.form] = _encode(subscription.form, message)
            subscription.subscriber.send_text(data)


def _encode(form: tuple[str, str], message: PublishedMessage) -> str | bytes:
    name, compression = form
    return encode_publication(name, message, compression)
