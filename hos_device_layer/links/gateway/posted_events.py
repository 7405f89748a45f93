"""The events of one peer on their way to the device manager."""

from __future__ import annotations

from ...core.dispatch.events import CommandAnswered, Pinged, ResultReported
from ...core.rosbridge import SessionEvent, Traceable
from .mailbox import CallLater, Urgency

# How many events of a peer may wait for the device manager, which handles the events of all peers
# in the order of their arrival. Until it has handled them, no more frames of the peer are read: a
# flood fills the peer's own buffer, and an event of another peer waits for a few milliseconds.
_MAX_WAITING = 4


class PostedEvents:
    """
    Says how to queue the events of one peer, and counts those that wait.

    Answers and results, for which callers wait, are handled before the events of other peers, but
    not before older ones of their own: in a storm of reconnections the calls go on.
    """

    __slots__ = ('_handled', '_others_handled', '_others_posted', '_posted')

    def __init__(self) -> None:
        # Written by the thread that posts, and by the one that handles.
        self._posted = self._others_posted = 0
        self._handled = self._others_handled = 0

    @property
    def too_many_wait(self) -> bool:
        """Whether no more events may be posted until some have been handled."""
        return self._posted - self._handled >= _MAX_WAITING

    def urgency(self, event: SessionEvent, call_later: CallLater) -> Urgency:
        """Count an event that is posted now, and return how urgent it is."""
        is_first = _ends_call(event) and self._others_handled == self._others_posted
        self._posted += 1
        self._others_posted += not is_first
        # Most events are pings, and waking the thread costs more than handling them.
        later = call_later if isinstance(event, Pinged) else None
        return Urgency(later, is_first, self._first_handled if is_first else self._other_handled)

    def _first_handled(self) -> None:
        self._handled += 1

    def _other_handled(self) -> None:
        self._handled += 1
        self._others_handled += 1


def _ends_call(event: SessionEvent) -> bool:
    reported = event.event if isinstance(event, Traceable) else event
    return isinstance(reported, (CommandAnswered, ResultReported))
