"""A service whose responses are sent when the test says so."""

from __future__ import annotations

from typing import Any

import pytest
from ros_nodes import SpunNodes
from std_srvs.srv import Trigger

from hos_device_layer.links.ros.deferred_service import DeferredResponse, DeferredService

NAME = 'deferred'


@pytest.fixture
def responses() -> list[DeferredResponse]:
    return []


@pytest.fixture
def service(nodes: SpunNodes, responses: list[DeferredResponse]) -> DeferredService:
    return DeferredService(
        nodes['server'], Trigger, NAME, lambda _request, response: responses.append(response)
    )


def send(response: DeferredResponse, text: str) -> None:
    response.message.message = text
    response.send()


def test_responses_in_another_order_reach_their_own_callers(
    nodes: SpunNodes, service: DeferredService, responses: list[DeferredResponse]
) -> None:
    first = nodes.call(nodes['first'], Trigger, NAME)
    nodes.spin_until(lambda: responses)
    second = nodes.call(nodes['second'], Trigger, NAME)
    nodes.spin_until(lambda: len(responses) == 2)
    assert not first.done() and not second.done()
    send(responses[1], 'second')
    send(responses[0], 'first')
    nodes.spin_until(lambda: first.done() and second.done())
    assert (first.result().message, second.result().message) == ('first', 'second')


def test_a_response_is_sent_once(
    nodes: SpunNodes, service: DeferredService, responses: list[DeferredResponse]
) -> None:
    answers: list[Any] = []
    nodes.call(nodes['caller'], Trigger, NAME).add_done_callback(answers.append)
    nodes.spin_until(lambda: responses)
    send(responses[0], 'once')
    send(responses[0], 'twice')
    marker = nodes.call(nodes['caller'], Trigger, NAME)
    nodes.spin_until(lambda: len(responses) == 2)
    send(responses[1], 'marker')
    nodes.spin_until(marker.done)
    assert [future.result().message for future in answers] == ['once']


def test_open_requests_are_answered_before_the_service_ends(
    nodes: SpunNodes, service: DeferredService, responses: list[DeferredResponse]
) -> None:
    future = nodes.call(nodes['caller'], Trigger, NAME)
    nodes.spin_until(lambda: responses)
    service.answer_all(lambda message: setattr(message, 'message', 'the end'))
    service.destroy()
    send(responses[0], 'too late')
    nodes.spin_until(future.done)
    assert future.result().message == 'the end'
