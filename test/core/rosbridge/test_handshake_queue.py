"""Unfinished connections: a flood of one address costs nobody else his place."""

from hos_device_layer.core.rosbridge.handshake_queue import HandshakeQueue


def test_the_oldest_connection_of_a_crowded_address_makes_room() -> None:
    queue: HandshakeQueue[int] = HandshakeQueue(most=10, most_per_address=3)
    assert [queue.add(n, 'a') for n in range(5)] == [None, None, None, 0, 1]
    assert len(queue) == 3
    assert queue.add(9, 'b') is None


def test_the_most_crowded_address_makes_room_for_others() -> None:
    queue: HandshakeQueue[int] = HandshakeQueue(most=4, most_per_address=3)
    for n in range(3):
        assert queue.add(n, 'a') is None
    assert queue.add(3, 'b') is None
    assert queue.add(4, 'c') == 0
    assert queue.add(5, 'd') == 1
    assert len(queue) == 4


def test_a_finished_handshake_leaves_its_place() -> None:
    queue: HandshakeQueue[int] = HandshakeQueue(most=1, most_per_address=1)
    assert queue.add(1, 'a') is None
    queue.remove(1, 'a')
    queue.remove(1, 'a')
    assert len(queue) == 0
    assert queue.add(2, 'b') is None
    queue.remove(1, 'b')
    assert queue.add(3, 'b') == 2
