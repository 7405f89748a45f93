"""A ROS service that answers its requests later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from ...serving import serve


class DeferredResponse:
    """
    The response to one request: fill in `message`, then call `send`.

    Must be used on the executor's thread.
    """

    def __init__(self, message: Any, send: Callable[[DeferredResponse], None]) -> None:
        self.message = message
        self._send = send

    def send(self) -> None:
        """Send the response; does nothing if it has been sent already."""
        self._send(self)


# Receives a request and its response, on the executor's thread; must not raise.
OnRequest = Callable[[Any, DeferredResponse], None]


class DeferredService:
    """
    Passes each request to `on_request` together with its response, which is sent at any time.

    rclpy sends the response of a service when its callback returns.
    """

    def __init__(self, node: Node, service_type: Any, name: str, on_request: OnRequest) -> None:
        self._node = node
        self._on_request = on_request
        self._request: Any = None
        self._headers: dict[DeferredResponse, Any] = {}
        self._service = serve(node, service_type, name, self._take_request)
        # The executor calls this method as soon as the callback returns. It is replaced to keep
        # the header of the request, with which the response can be sent later.
        self._send_response: Callable[[Any, Any], None] = self._service.send_response
        setattr(self._service, 'send_response', self._take_header)  # noqa: B010

    def answer_all(self, fill: Callable[[Any], None]) -> None:
        """Answer every open request with a message that `fill` has filled in."""
        for response in list(self._headers):
            fill(response.message)
            response.send()

    def destroy(self) -> None:
        """End the service; requests that are still open are never answered."""
        self._headers.clear()
        self._node.destroy_service(self._service)

    def _take_request(self, request: Any, response: Any) -> Any:
        self._request = request
        return response

    def _take_header(self, message: Any, header: Any) -> None:
        response = DeferredResponse(message, self._send)
        self._headers[response] = header
        self._on_request(self._request, response)

    def _send(self, response: DeferredResponse) -> None:
        header = self._headers.pop(response, None)
        if header is not None:
            self._send_response(response.message, header)
