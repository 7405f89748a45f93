"""What a client publishes: results and samples, sent in order and confirmed by the gateway."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

from .message import Message
from .wire import Publication

_log = logging.getLogger(__name__)

# Results kept while disconnected; the oldest are dropped, because their tasks have timed out.
MAX_KEPT = 10_000

# Samples that are not kept. More than these means that the gateway reads more slowly.
MAX_SAMPLES = 5_000

DELIVERED = Message(200)
DROPPED = Message(507, 'dropped: too many results or samples wait for a connection')
LOST = Message(503, 'the connection was lost before the gateway confirmed it; it may have arrived')
STOPPED = Message(503, 'the client was stopped before the gateway confirmed it')

Done = Callable[[Message], object]

# Returns what to publish instead of something that is too large; gets the reason.
Substitute = Callable[[str], Publication]


class Delivery:
    """
    A publication on its way; `done` receives its outcome, once.

    If it is kept, it is sent again on the next session until it has arrived.
    """

    __slots__ = ('done', 'is_kept', 'number', 'publication', 'substitute')

    def __init__(
        self,
        number: int,
        publication: Publication,
        done: Done,
        is_kept: bool,
        substitute: Substitute | None,
    ) -> None:
        self.number = number
        self.publication = publication
        self.done: Done | None = done
        self.is_kept = is_kept
        self.substitute = substitute

    @property
    def text(self) -> str:
        """Its frame, with the id by which the gateway refuses it."""
        return self.publication.text(f'publish:{self.number}')

    def end(self, outcome: Message) -> None:
        """Report the outcome; only the first one counts."""
        done, self.done = self.done, None
        if done is not None:
            done(outcome)


class Outbox:
    """
    Publications in order, until the gateway has confirmed them.

    Those that are kept and not confirmed when a session ends are sent again on the next one; the
    device manager accepts a result only once.
    """

    def __init__(self) -> None:
        self._deliveries: OrderedDict[int, Delivery] = OrderedDict()
        self._unsent: deque[Delivery] = deque()
        # The same, by whether they are kept, to find the oldest ones.
        self._kept: OrderedDict[int, None] = OrderedDict()
        self._once: OrderedDict[int, None] = OrderedDict()
        self._last = 0
        self._last_sent = 0
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._deliveries)

    def put(
        self,
        publication: Publication,
        done: Done,
        is_kept: bool,
        substitute: Substitute | None = None,
    ) -> int:
        """Add a publication and return its number; drops the oldest one if there are too many."""
        self._last += 1
        delivery = Delivery(self._last, publication, done, is_kept, substitute)
        self._deliveries[self._last] = delivery
        self._unsent.append(delivery)
        if self._is_closed:
            self._end(self._last, STOPPED)
            return self._last
        group, limit = (self._kept, MAX_KEPT) if is_kept else (self._once, MAX_SAMPLES)
        group[self._last] = None
        if len(group) > limit:
            self._end(next(iter(group)), DROPPED)
        return delivery.number

    def give_up(self, number: int, outcome: Message) -> None:
        """End a delivery whose sender stops waiting; one that is kept is sent all the same."""
        delivery = self._deliveries.get(number)
        if delivery is None:
            return
        if delivery.is_kept or number <= self._last_sent:
            delivery.end(outcome)
        else:
            self._end(number, outcome)

    def take_unsent(self, max_bytes: int) -> Iterator[tuple[str, str]]:
        """Yield topics and frames to send now; a publication that is too large is not sent."""
        while self._unsent:
            delivery = self._unsent.popleft()
            if delivery.number not in self._deliveries:
                continue
            self._last_sent = max(self._last_sent, delivery.number)
            text = delivery.text
            size = _bytes_of(text)
            if size > max_bytes:
                if not self._replace(delivery, size, max_bytes):
                    continue
                text = delivery.text
            yield delivery.publication.topic, text

    @property
    def mark(self) -> int:
        """The last publication that was sent; pass it to `confirm`."""
        return self._last_sent

    @property
    def has_unconfirmed(self) -> bool:
        """Whether a publication was sent and not confirmed yet."""
        return bool(self._deliveries) and next(iter(self._deliveries)) <= self._last_sent

    def confirm(self, mark: int) -> None:
        """Record that everything up to a mark has arrived."""
        while self._deliveries and (number := next(iter(self._deliveries))) <= mark:
            self._end(number, DELIVERED)

    def refuse(self, frame_id: object, reason: str) -> bool:
        """Record that the gateway refused a frame; returns whether it was one of these."""
        _, _, digits = str(frame_id).partition('publish:')
        number = int(digits) if digits.isdecimal() and len(digits) < 20 else 0
        if number not in self._deliveries:
            return False
        self._end(number, Message(409, reason))
        return True

    def connection_lost(self) -> None:
        """Mark what is kept and not confirmed as unsent; end the rest of what was sent."""
        for number in [number for number in self._once if number <= self._last_sent]:
            self._end(number, LOST)
        self._unsent = deque(self._deliveries.values())
        self._last_sent = 0

    def close(self) -> None:
        """End everything that is left, and what is added later."""
        self._is_closed = True
        for number in list(self._deliveries):
            self._end(number, STOPPED)

    def _replace(self, delivery: Delivery, size: int, max_bytes: int) -> bool:
        """Replace a publication that is too large; returns whether there is a substitute."""
        reason = f'its frame has {size} bytes; the gateway accepts at most {max_bytes}'
        _log.error('not sent: %s: %s', delivery.publication.topic, reason)
        outcome = Message(413, reason)
        if delivery.substitute is None:
            self._end(delivery.number, outcome)
            return False
        delivery.end(outcome)
        delivery.publication = delivery.substitute(reason)
        return True

    def _end(self, number: int, outcome: Message) -> None:
        self._kept.pop(number, None)
        self._once.pop(number, None)
        self._deliveries.pop(number).end(outcome)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode('utf-8', 'surrogatepass'))
