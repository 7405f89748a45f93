"""Requests to an Airtable without any client, for what a client would not send."""

from __future__ import annotations

from typing import Any

import requests

from hos_device_layer.testing.airtable import RunningAirtable

NAME = {'name': 'Name', 'type': 'singleLineText'}


class Raw:
    """Sends requests; `BASE` in a path stands for the id of the base."""

    def __init__(self, server: RunningAirtable) -> None:
        self.server = server
        self.base_id = server.environment['AIRTABLE_BASE_ID']
        self.headers = {'Authorization': f'Bearer {server.environment["AIRTABLE_API_KEY"]}'}

    def __call__(self, method: str, path: str, **content: Any) -> tuple[int, Any]:
        url = f'{self.server.url}/v0/{path}'.replace('BASE', self.base_id)
        answer = requests.request(
            method, url, **{'headers': self.headers, 'timeout': 10, **content}
        )
        return answer.status_code, answer.json()
