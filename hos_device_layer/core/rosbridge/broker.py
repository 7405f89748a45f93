"""Which session is which device, and which sessions listen to what."""

from __future__ import annotations

from ..dispatch.commands import Command
from .device_channel import ChannelCommand
from .device_descriptions import DeviceDescriptions
from .events import CommandAnswered, DeviceLost, SessionEvent
from .frames import FrameError, FrameId, Publish, Subscribe, encode, raw
from .messages import ConnectionInfo, DeviceAPICallResult, DeviceStream
from .session import REPLACED, Session

Published = ConnectionInfo | DeviceAPICallResult | DeviceStream


class _Subscription:
    """A session's wish for a topic, by the name it sent; several may share it, each with an id."""

    def __init__(self, session: Session, sent_name: str) -> None:
        self.session = session
        self.sent_name = sent_name
        self.ids: set[FrameId] = set()
        self.interval = 0.0  # [s] between messages, at least
        self.due = 0.0


class Broker:
    """All sessions of a gateway. One uid has one session: the newest that may have it."""

    def __init__(self) -> None:
        self._holders: dict[int, Session] = {}
        self._topics: dict[str, dict[tuple[Session, str], _Subscription]] = {}
        self.rosters = DeviceDescriptions()

    def holds(self, uid: int) -> bool:
        """Return whether a session is this device."""
        return uid in self._holders

    def is_wanted(self, topic: str) -> bool:
        """Return whether anybody listens to a topic; may be asked from any thread."""
        return topic in self._topics

    def claim(self, uid: int, session: Session) -> None:
        """
        Give a device's seat to a session.

        An older session loses it to one that is authenticated, or that comes from its own
        address and is as anonymous as it is. Raises FrameError where it does not.
        """
        older = self._holders.get(uid)
        if older is not None and not _may_replace(session, older):
            raise FrameError(
                f'the device with uid {uid} is connected from another address; without a token '
                'it can only be replaced after it has gone'
            )
        self._holders[uid] = session
        if older is not None and older is not session:
            _unseat(older, uid)

    def occupy(self, uid: int, session: Session) -> None:
        """Give a session a device's seat that is free; raises FrameError where it is not."""
        if self._holders.setdefault(uid, session) is not session:
            raise FrameError(f'the device with uid {uid} has a newer session')

    def vacate(self, uid: int, session: Session) -> list[DeviceLost]:
        """Take a device's seat from its session."""
        del self._holders[uid], session.seats[uid]
        return [DeviceLost(uid)]

    def command(self, command: Command, relay: int | None = None) -> list[CommandAnswered]:
        """
        Send a command to its device; returns its refusal, if it is one.

        Its answer carries `relay`, which is None for the device manager's own commands.
        """
        order = ChannelCommand(command, relay)
        session = self._holders.get(command.uid)
        if session is None:
            reason = f'the device with uid {command.uid} has lost its connection'
            return [order.answered(False, reason)]
        return session.command(order)

    def subscribe(self, session: Session, topic: str, frame: Subscribe) -> None:
        """Let a session have a topic's messages; the slowest rate of several wishes counts."""
        wishes = self._topics.setdefault(topic, {})
        wish = wishes.get((session, frame.topic))
        if wish is None:
            wish = wishes[session, frame.topic] = _Subscription(session, frame.topic)
            session.subscription_count += 1
        wish.ids.add(frame.id)
        wish.interval = max(wish.interval, frame.throttle_rate / 1000)

    def unsubscribe(self, session: Session, sent_name: str, frame_id: FrameId) -> None:
        """End a wish; without an id all of the session for this topic."""
        topic = sent_name.removeprefix('/')
        wish = self._topics.get(topic, {}).get((session, sent_name))
        if wish is None:
            return
        wish.ids.discard(frame_id)
        if frame_id is None or not wish.ids:
            self._drop(topic, wish)

    def publish(self, topic: str, message: Published, now: float) -> None:
        """Send a message to all who listen to its topic."""
        written: dict[str, str] = {}
        body = raw(message)
        for wish in list(self._topics.get(topic, {}).values()):
            if now < wish.due:
                continue
            wish.due = now + wish.interval
            name = wish.sent_name
            if name not in written:
                written[name] = encode(Publish(topic=name, msg=body))
            wish.session.send_text(written[name])

    def leave(self, session: Session) -> list[SessionEvent]:
        """Forget a session that has ended; returns the devices that are lost by it."""
        lost = [uid for uid in session.seats if self._holders.get(uid) is session]
        for uid in lost:
            del self._holders[uid]
        if session.subscription_count:
            for topic, wishes in list(self._topics.items()):
                for wish in [w for w in wishes.values() if w.session is session]:
                    self._drop(topic, wish)
        session.seats.clear()
        return [DeviceLost(uid) for uid in lost]

    def _drop(self, topic: str, wish: _Subscription) -> None:
        wishes = self._topics[topic]
        del wishes[wish.session, wish.sent_name]
        wish.session.subscription_count -= 1
        if not wishes:
            del self._topics[topic]


def _may_replace(newer: Session, older: Session) -> bool:
    if newer is older or (newer.access is not None and newer.access.is_authenticated):
        return True
    anonymous = older.access is None or not older.access.is_authenticated
    return anonymous and newer.address == older.address


def _unseat(session: Session, uid: int) -> None:
    # Commands it has not answered may have reached the device: their results still count, and
    # the manager's time limits end the rest.
    del session.seats[uid]
    if not session.seats and not session.subscription_count:
        session.close(REPLACED)
