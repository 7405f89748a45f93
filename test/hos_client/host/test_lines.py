"""Received bytes split into lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hos_client.host.lines import LineSplitter


@given(st.lists(st.binary(min_size=1, max_size=9).map(lambda b: b.replace(b'\r', b'')
       .replace(b'\n', b'') or b'x'), max_size=6),
       st.sampled_from([b'\n', b'\r\n', b'\r']), st.integers(1, 7))  # fmt: skip
def test_lines_with_any_line_end_in_any_pieces(lines: list[bytes], end: bytes, step: int) -> None:
    data = b''.join(line + end for line in lines)
    splitter = LineSplitter()
    came = [
        line for at in range(0, len(data), step) for line in splitter.feed(data[at : at + step])
    ]
    assert came == lines and splitter.half_line == b''


def test_a_line_that_is_too_long_is_dropped() -> None:
    splitter = LineSplitter(max_line=4)
    assert splitter.feed(b'123456') == []
    assert splitter.half_line == b''
    assert splitter.feed(b'78\nok\n12345\n1234\n') == [b'ok', b'1234']
