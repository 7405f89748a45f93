"""An HTTP server for tests, which answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[['Handler'], tuple[int, bytes]]


class Handler(BaseHTTPRequestHandler):
    answer: Answer

    def handle_any(self) -> None:
        length = int(self.headers.get('content-length', 0))
        self.body = self.rfile.read(length)
        status, body = type(self).answer(self)
        self.send_response(status)
        self.send_header('X-Said', 'yes')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    # The names that the standard library looks for.
    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class Server:
    def __init__(self) -> None:
        self.handler = type('OneHandler', (Handler,), {})
        self._server = ThreadingHTTPServer(('127.0.0.1', 0), self.handler)
        # Peers that hang up are what these tests are about.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f'http://127.0.0.1:{self._server.server_address[1]}'
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def answers(self, answer: Answer) -> None:
        self.handler.answer = staticmethod(answer)  # type: ignore[attr-defined]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
