"""Which sessions receive the messages of which topics."""

from __future__ import annotations

from typing import Protocol

from .frames import FrameId, Publish, Subscribe, encode, raw
from .messages import ConnectionInfo, DeviceAPICallResult, DeviceStream

PublishedMessage = ConnectionInfo | DeviceAPICallResult | DeviceStream


class Subscriber(Protocol):
    """What subscriptions need of a session."""

    subscription_count: int

    def send_text(self, text: str) -> None:
        """Queue an encoded frame for the peer."""


class _Subscription:
    """A session's subscription to a topic by the name it sent; may have several ids."""

    def __init__(self, subscriber: Subscriber, sent_name: str) -> None:
        self.subscriber = subscriber
        self.sent_name = sent_name
        self.ids: set[FrameId] = set()
        self.interval = 0.0  # [s] between two messages, at least
        self.due = 0.0


class Subscriptions:
    """The subscriptions of all sessions, by topic."""

    def __init__(self) -> None:
        self._topics: dict[str, dict[tuple[Subscriber, str], _Subscription]] = {}

    def is_wanted(self, topic: str) -> bool:
        """Return whether a topic has a subscriber; may be called from any thread."""
        return topic in self._topics

    def add(self, subscriber: Subscriber, topic: str, frame: Subscribe) -> None:
        """Subscribe a session to a topic; of several rates the slowest counts."""
        subscriptions = self._topics.setdefault(topic, {})
        subscription = subscriptions.get((subscriber, frame.topic))
        if subscription is None:
            subscription = _Subscription(subscriber, frame.topic)
            subscriptions[subscriber, frame.topic] = subscription
            subscriber.subscription_count += 1
        subscription.ids.add(frame.id)
        subscription.interval = max(subscription.interval, frame.throttle_rate / 1000)

    def remove(self, subscriber: Subscriber, sent_name: str, frame_id: FrameId) -> None:
        """End a subscription; without an id, all of the session to this topic."""
        topic = sent_name.removeprefix('/')
        subscription = self._topics.get(topic, {}).get((subscriber, sent_name))
        if subscription is None:
            return
        subscription.ids.discard(frame_id)
        if frame_id is None or not subscription.ids:
            self._drop(topic, subscription)

    def remove_all(self, subscriber: Subscriber) -> None:
        """End all subscriptions of a session."""
        if not subscriber.subscription_count:
            return
        for topic, subscriptions in list(self._topics.items()):
            for subscription in list(subscriptions.values()):
                if subscription.subscriber is subscriber:
                    self._drop(topic, subscription)

    def publish(self, topic: str, message: PublishedMessage, now: float) -> None:
        """Send a message to the subscribers of its topic."""
        encoded: dict[str, str] = {}
        body = raw(message)
        for subscription in list(self._topics.get(topic, {}).values()):
            if now < subscription.due:
                continue
            subscription.due = now + subscription.interval
            name = subscription.sent_name
            if name not in encoded:
                encoded[name] = encode(Publish(topic=name, msg=body))
            subscription.subscriber.send_text(encoded[name])

    def _drop(self, topic: str, subscription: _Subscription) -> None:
        subscriptions = self._topics[topic]
        del subscriptions[subscription.subscriber, subscription.sent_name]
        subscription.subscriber.subscription_count -= 1
        if not subscriptions:
            del self._topics[topic]
