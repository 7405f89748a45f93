"""The adapter, over HTTP: what goes wrong, and what it makes of that."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import pytest

from hos_device_layer.core.errors import DatabaseError
from hos_device_layer.database.airtable.base_schema import BaseRecord, TableSchema
from hos_device_layer.database.airtable.client import Airtable
from hos_device_layer.database.airtable.credentials import Credentials
from hos_device_layer.database.airtable.rate_limiter import RateLimiter, RequestPolicy
from hos_device_layer.database.airtable.requests import LostAnswerError, RejectedError
from hos_device_layer.testing.airtable import Fault, RunningAirtable, StoredBase

NAME = {'name': 'name', 'type': 'singleLineText'}


@pytest.fixture
def table(server: RunningAirtable, airtable: Airtable) -> TableSchema:
    table = airtable.create_table('things', 'What there is', [NAME])
    server.take_calls()
    return table


@pytest.fixture
def long_table(server: RunningAirtable, airtable: Airtable, table: TableSchema) -> TableSchema:
    """A table of 250 rows, which are three pages."""
    for start in range(0, 250, 10):
        airtable.create_records(
            table.id, [{table.fields[0].id: f'{start + number:03}'} for number in range(10)]
        )
    server.take_calls()
    return table


def names(table: TableSchema, records: list[BaseRecord]) -> list[str]:
    return [record.fields[table.fields[0].id] for record in records]


NUMBERED = [f'{number:03}' for number in range(250)]


def test_all_pages_are_read_with_one_call_each(
    server: RunningAirtable, airtable: Airtable, long_table: TableSchema
) -> None:
    records = airtable.records(long_table, long_table.fields)
    assert names(long_table, records) == NUMBERED
    assert server.take_calls() == [f'GET {{base}}/{long_table.id}'] * 3


@pytest.mark.parametrize(
    'fault',
    [
        Fault.LOST_ANSWER,
        Fault.SERVER_ERROR,
        Fault.SERVER_ERROR_AFTER,
        Fault.SLOW,
        Fault.RATE_LIMITED,
        Fault.NO_JSON,
    ],
)
def test_a_page_that_fails_is_read_again(
    server: RunningAirtable,
    connect: Callable[..., Airtable],
    long_table: TableSchema,
    fault: Fault,
) -> None:
    # Pages that do come need time to come.
    airtable = connect(read_timeout_s=3.0) if fault is Fault.SLOW else connect()
    server.faults.inject(fault, method='GET', path=long_table.id, skip=1)
    assert names(long_table, airtable.records(long_table, long_table.fields)) == NUMBERED
    assert len(server.take_calls()) == 4


def test_a_table_whose_pages_expired_is_read_again_whole(
    server: RunningAirtable, airtable: Airtable, long_table: TableSchema
) -> None:
    server.faults.inject(Fault.EXPIRED_PAGES, path=long_table.id, skip=2)
    assert names(long_table, airtable.records(long_table, long_table.fields)) == NUMBERED
    assert len(server.take_calls()) == 2 + 1 + 3


def test_a_table_whose_pages_keep_expiring_fails_whole(
    server: RunningAirtable, airtable: Airtable, long_table: TableSchema
) -> None:
    server.faults.inject(Fault.EXPIRED_PAGES, path=long_table.id, times=100)
    with pytest.raises(RejectedError, match='LIST_RECORDS_ITERATOR_NOT_AVAILABLE'):
        airtable.records(long_table, long_table.fields)


def test_a_column_renamed_between_pages_is_read_as_one(
    server: RunningAirtable, airtable: Airtable, long_table: TableSchema
) -> None:
    base: list[StoredBase] = []
    server.edit(base.append)

    def rename() -> None:
        base[0].table(long_table.id).fields[0].name = 'renamed'

    server.faults.before(rename, path=long_table.id, skip=1)
    assert names(long_table, airtable.records(long_table, long_table.fields)) == NUMBERED


def test_a_lockout_is_waited_out(server: RunningAirtable, table: TableSchema) -> None:
    slept: list[float] = []
    limiter = RateLimiter(RequestPolicy(requests=1000), sleep=slept.append)
    airtable = Airtable(credentials(server), limiter, server.url)
    server.faults.inject(Fault.RATE_LIMITED, times=2)
    assert airtable.records(table, table.fields) == []
    assert slept == [31, 31]


def test_a_write_refused_for_the_rate_is_repeated_since_it_was_not_done(
    server: RunningAirtable, airtable: Airtable, table: TableSchema
) -> None:
    server.faults.inject(Fault.RATE_LIMITED, method='POST')
    airtable.create_records(table.id, [{table.fields[0].id: 'one'}])
    assert names(table, airtable.records(table, table.fields)) == ['one']


@pytest.mark.parametrize('fault', [Fault.LOST_ANSWER, Fault.SERVER_ERROR_AFTER, Fault.SLOW])
def test_an_addition_that_may_have_been_done_is_not_repeated(
    server: RunningAirtable,
    airtable: Airtable,
    hasty_airtable: Airtable,
    table: TableSchema,
    fault: Fault,
) -> None:
    server.faults.inject(fault, method='POST')
    with pytest.raises(LostAnswerError):
        hasty_airtable.create_records(table.id, [{table.fields[0].id: 'one'}])
    assert names(table, airtable.records(table, table.fields)) == ['one']


@pytest.mark.parametrize('fault', [Fault.LOST_ANSWER, Fault.SERVER_ERROR_AFTER])
def test_a_change_of_a_record_is_repeated(
    server: RunningAirtable, airtable: Airtable, table: TableSchema, fault: Fault
) -> None:
    (record,) = airtable.create_records(table.id, [{table.fields[0].id: 'one'}])
    server.faults.inject(fault, method='PATCH')
    airtable.update_records(table.id, {record.id: {table.fields[0].id: 'two'}})
    assert names(table, airtable.records(table, table.fields)) == ['two']


def test_merging_adds_no_row_that_is_there(airtable: Airtable, table: TableSchema) -> None:
    field = table.fields[0].id
    airtable.create_records(table.id, [{field: 'one'}], merge_on=[field])
    airtable.create_records(table.id, [{field: 'one'}, {field: 'two'}], merge_on=[field])
    assert names(table, airtable.records(table, table.fields)) == ['one', 'two']


def credentials(server: RunningAirtable, **other: str) -> Credentials:
    environment = server.environment
    return Credentials(
        other.get('api_key', environment['AIRTABLE_API_KEY']),
        other.get('base_id', environment['AIRTABLE_BASE_ID']),
    )


@pytest.mark.parametrize(
    ('wrong', 'text'),
    [
        ({'api_key': 'patWrong'}, '401 .*AUTHENTICATION_REQUIRED.*token in AIRTABLE_API_KEY'),
        ({'base_id': 'appWrong'}, '403 .*AIRTABLE_BASE_ID is the right base.*scopes'),
    ],
)
def test_wrong_credentials_are_told_and_not_tried_again(
    server: RunningAirtable, wrong: dict[str, str], text: str
) -> None:
    airtable = Airtable(credentials(server, **wrong), RateLimiter(RequestPolicy()), server.url)
    with pytest.raises(DatabaseError, match=text):
        airtable.schema()
    assert len(server.take_calls()) == 1


def test_a_wrong_base_is_not_found_by_its_rows(
    server: RunningAirtable, table: TableSchema
) -> None:
    airtable = Airtable(
        credentials(server, base_id='appWrong'), RateLimiter(RequestPolicy()), server.url
    )
    with pytest.raises(DatabaseError, match=r'404 .*NOT_FOUND.*check AIRTABLE_BASE_ID'):
        airtable.records(table, table.fields)


def test_a_table_that_is_gone_is_told(server: RunningAirtable, airtable: Airtable) -> None:
    with pytest.raises(RejectedError, match='INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND'):
        airtable.records(TableSchema('tbl' + 'x' * 14, 'gone', ()), [])


def test_the_calls_of_the_month_are_not_waited_for(
    server: RunningAirtable, airtable: Airtable
) -> None:
    server.faults.inject(Fault.MONTHLY_LIMIT, times=100)
    with pytest.raises(DatabaseError, match='the calls of this month are used up'):
        airtable.schema()
    assert len(server.take_calls()) == 1


def test_what_is_no_airtable_is_told(server: RunningAirtable, airtable: Airtable) -> None:
    server.faults.inject(Fault.NO_JSON, times=100)
    with pytest.raises(DatabaseError, match='expected JSON from Airtable'):
        airtable.schema()


def test_a_network_that_is_gone_is_told_and_writing_may_be_repeated() -> None:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))  # Bound, but nobody listens.
        url = f'http://127.0.0.1:{taken.getsockname()[1]}'
        slept: list[float] = []
        airtable = Airtable(
            Credentials('pat1', 'app1'), RateLimiter(RequestPolicy(), sleep=slept.append), url
        )
        with pytest.raises(
            DatabaseError, match='cannot reach Airtable; check the network'
        ) as caught:
            airtable.create_table('things', '', [NAME])
    assert not isinstance(caught.value, LostAnswerError)
    assert slept == [1, 2, 4, 8]


def test_a_server_that_never_answers_is_given_up(
    server: RunningAirtable, hasty_airtable: Airtable
) -> None:
    server.faults.inject(Fault.SLOW, times=100)
    with pytest.raises(DatabaseError, match=r'Airtable did not answer within 0\.5 s'):
        hasty_airtable.schema()


def test_no_error_or_log_line_shows_a_secret(
    server: RunningAirtable,
    connect: Callable[..., Airtable],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = []
    for fault in Fault:
        airtable = connect(read_timeout_s=0.5)
        server.faults.inject(fault, times=5)
        try:
            airtable.schema()
        except DatabaseError as error:
            shown.append(f'{error} {error!r} {error.__cause__}')
    shown += [repr(airtable), caplog.text, *capfd.readouterr()]
    assert len(shown) > 8
    for secret in ('patLoopbackAirtable', 'appLoopback'):
        assert secret not in ' '.join(shown)
