"""The latest samples of streams whose publishers want late subscribers to receive them."""

from __future__ import annotations

from .frames import FrameError
from .messages import DeviceStream
from .names import TopicKind, TopicName

# Of one peer, as many as the devices that it may serve.
MAX_TOPICS = 2_000

# A longer sample is not kept [characters]: all peers together may have many streams.
MAX_CHARACTERS = 16 * 1024


class LatchedSamples:
    """
    The latest sample of each latched topic.

    A topic is latched while a peer that advertised it so is there. Samples of ROS publishers say
    themselves whether they are, and stay when such a peer goes.
    """

    def __init__(self) -> None:
        self._samples: dict[str, DeviceStream] = {}
        self._latched_by_ros: set[str] = set()
        self._topics_of_uid: dict[int, set[str]] = {}
        self._peers: dict[str, set[object]] = {}
        self._topics_of_peer: dict[object, set[str]] = {}

    def concerns(self, topic: str) -> bool:
        """Return whether the samples of a topic must be passed to `take`; from any thread."""
        return topic in self._peers or topic in self._samples

    def sample(self, topic: str) -> DeviceStream | None:
        """Return what a late subscriber receives."""
        return self._samples.get(topic)

    def advertise(self, topic: TopicName, peer: object, latch: bool) -> None:
        """Record how a peer has advertised a topic; raises FrameError."""
        if latch and topic.kind is TopicKind.STREAM:
            self._latch(topic.name, peer)
        else:
            self.unlatch(topic.name, peer)

    def unlatch(self, topic: str, peer: object) -> None:
        """Forget a topic that no other peer has advertised."""
        topics = self._topics_of_peer.get(peer, set())
        if topic not in topics:
            return
        topics.remove(topic)
        if not topics:
            del self._topics_of_peer[peer]
        self._peers[topic].remove(peer)
        if not self._peers[topic]:
            del self._peers[topic]
            if topic not in self._latched_by_ros:
                self._drop(topic)

    def unlatch_all(self, peer: object) -> None:
        """Forget what a peer has advertised, because it has gone."""
        for topic in list(self._topics_of_peer.get(peer, ())):
            self.unlatch(topic, peer)

    def take(self, topic: str, sample: DeviceStream, is_latched: bool) -> None:
        """Keep a sample if its topic is latched, and drop the one before it."""
        self._drop(topic)
        if (is_latched or topic in self._peers) and len(sample.data) <= MAX_CHARACTERS:
            self._samples[topic] = sample
            if is_latched:
                self._latched_by_ros.add(topic)
            self._topics_of_uid.setdefault(sample.uid, set()).add(topic)

    def forget_device(self, uid: int) -> None:
        """Drop the samples of a device that was disconnected."""
        for topic in self._topics_of_uid.pop(uid, ()):
            del self._samples[topic]
            self._latched_by_ros.discard(topic)

    def _latch(self, topic: str, peer: object) -> None:
        topics = self._topics_of_peer.get(peer, set())
        if len(topics) >= MAX_TOPICS and topic not in topics:
            raise FrameError(f'a peer may advertise at most {MAX_TOPICS} topics with latch')
        self._topics_of_peer.setdefault(peer, set()).add(topic)
        self._peers.setdefault(topic, set()).add(peer)

    def _drop(self, topic: str) -> None:
        sample = self._samples.pop(topic, None)
        if sample is None:
            return
        self._latched_by_ros.discard(topic)
        topics = self._topics_of_uid[sample.uid]
        topics.remove(topic)
        if not topics:
            del self._topics_of_uid[sample.uid]
