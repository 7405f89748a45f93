"""10,000 calls over both links while devices, callers and the manager have a bad day; slow."""

from __future__ import annotations

import collections
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import faulty_devices
import pytest
from call_log import CallLog, Execution, Pause
from manager_process import MANAGER, Program
from soak_callers import SoakCaller

from hos_device_layer.database import LocalCopy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COUNT = int(os.environ.get('HOS_SOAK_CALLS', '10000'))
SEED = os.environ.get('HOS_SOAK_SEED', str(random.randrange(2**32)))

OUTSTANDING = 100
PATIENCE_S = 120.0

# Even uids have typed commands, odd ones serialized commands.
ROS_UIDS = range(1000, 1020)
GATEWAY_UIDS = range(2001, 2041, 2)
UIDS = [*ROS_UIDS, *GATEWAY_UIDS]

NAMESPACE = '/soak'

# The text of the calls before the manager has discovered both callers.
FIRST = 'first'


def write_spec(folder: Path, timeout_s: float = 3.0) -> None:
    LocalCopy(folder).write(
        {
            'devices': [
                {'device_type': 'Talker', 'device_role': 'Equipment'},
                {'device_type': 'Line', 'device_role': 'Haive', 'serialized_api': True},
            ],
            'apis': [
                {
                    'function_name': 'say',
                    'arguments': ['text:string'],
                    'results': ['text:string'],
                    'device_types': ['Talker', 'Line'],
                    'timeout_s': timeout_s,
                }
            ],
            'serializers': [{'serializer': 'T$', 'function_name': 'say'}],
            'streams': [],
            'fleet-soak': [
                {
                    'device_id': f'D{uid}',
                    'device_uid': uid,
                    'device_type': 'Line' if uid % 2 else 'Talker',
                }
                for uid in UIDS
            ],
        }
    )


class Site:
    """A manager, devices of both links as processes, and two callers."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.spec = folder / 'db'
        write_spec(self.spec)
        self._stack = stack
        self.manager = self.start_manager()
        port = self.manager.wait_for_output('gateway: ws://').rpartition(':')[2]
        ros = ('--ros-args', '-r', f'__ns:={NAMESPACE}')
        self.ros_devices = self._start(stack, 'ros', ROS_UIDS, *ros)
        self.gateway_devices = self._start(
            stack, 'gateway', GATEWAY_UIDS, '--url', f'ws://127.0.0.1:{port}'
        )
        self.caller = SoakCaller('caller', NAMESPACE)
        stack.callback(self.caller.close)
        self.slow_caller = SoakCaller('slow_caller', NAMESPACE)
        stack.callback(self.slow_caller.close)
        self.pauses: list[Pause] = []
        self.seconds: list[Program] = []

    def start_manager(self) -> Program:
        manager = Program(
            MANAGER,
            *('-r', f'__ns:={NAMESPACE}'),
            fleet='soak',
            device_db_path=self.spec,
            state_folder=self.folder / 'state',
            gateway_port=0,
            device_timeout_s=1.5,
            device_connection_check_interval_s=0.5,
            command_accept_timeout_s=2.0,
        )
        self._stack.callback(manager.end)
        return manager

    def pause(self, devices: subprocess.Popen[bytes], duration_s: float) -> None:
        """Stop a process of devices for a while."""
        uids = ROS_UIDS if devices is self.ros_devices else GATEWAY_UIDS
        since_s = time.time()
        devices.send_signal(signal.SIGSTOP)
        time.sleep(duration_s)
        devices.send_signal(signal.SIGCONT)
        self.pauses += [Pause(uid, since_s, time.time()) for uid in uids]

    def log(self, caller: SoakCaller) -> CallLog:
        return CallLog(self.caller.answers, caller.results, self.executions(), self.pauses)

    def executions(self) -> list[Execution]:
        fields = Execution._fields
        return [
            Execution(*map(line.get, fields))
            for line in self.lines()
            if 'cmd_id' in line and not str(line['text']).startswith(FIRST)
        ]

    def lines(self) -> list[dict[str, object]]:
        """Return what the devices have logged."""
        texts = [path.read_text() for path in self.folder.glob('*.jsonl')]
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def _start(
        self, stack: ExitStack, link: str, uids: range, *options: str
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, faulty_devices.__file__, link]
        command += [str(self.folder / f'{link}.jsonl'), SEED, *map(str, uids), *options]
        process = subprocess.Popen(command)
        stack.callback(process.wait)
        stack.callback(process.kill)
        return process


class Faults:
    """Switches faults on at random, on a thread of its own, until it is stopped."""

    def __init__(self, site: Site) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self._site = site
        self._random = random.Random(SEED)
        self._stopped = threading.Event()
        self._limits = itertools.cycle([3.5, 3.0])
        self._thread = threading.Thread(target=self._run)
        self._faults: dict[Callable[[], None], float] = {
            self._pause_ros_devices: 2,
            self._pause_gateway_devices: 2,
            self._stutter: 3,
            self._block_a_caller: 2,
            self._reload: 2,
            self._start_a_second_manager: 0.5,
        }

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            self._thread.join()

    def _run(self) -> None:
        # Each fault once at first.
        first = iter(self._faults)
        while not self._stopped.wait(self._random.uniform(0.2, 1.0)):
            chosen = self._random.choices(list(self._faults), list(self._faults.values()))[0]
            fault = next(first, chosen)
            self.counts[fault.__name__] += 1
            fault()

    def _pause_ros_devices(self) -> None:
        self._site.pause(self._site.ros_devices, self._random.uniform(0.1, 3.0))

    def _pause_gateway_devices(self) -> None:
        self._site.pause(self._site.gateway_devices, self._random.uniform(0.1, 3.0))

    def _stutter(self) -> None:
        process = self._site.manager.process
        for _ in range(self._random.randint(1, 8)):
            process.send_signal(signal.SIGSTOP)
            time.sleep(self._random.uniform(0.02, 0.4))
            process.send_signal(signal.SIGCONT)
            time.sleep(self._random.uniform(0.02, 0.1))

    def _block_a_caller(self) -> None:
        self._site.slow_caller.hold(self._random.uniform(0.5, 4.0))

    def _reload(self) -> None:
        write_spec(self._site.spec, next(self._limits))
        self._site.caller.reload()

    def _start_a_second_manager(self) -> None:
        if all(second.process.poll() is not None for second in self._site.seconds):
            self._site.seconds.append(self._site.start_manager())


@pytest.fixture
def site(tmp_path: Path, ros_domain_id: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    # A stopped process can hold a lock of the shared memory that others wait for.
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'UDPv4')
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


def wait_for_discovery(site: Site) -> None:
    """Call a device until both callers have received a result; forget these calls."""
    caller, slow = site.caller, site.slow_caller
    caller.wait_for_manager(PATIENCE_S)

    def both_have_the_last_result() -> bool:
        received = {result.task_id for result in slow.results}
        return bool(caller.results) and caller.results[-1].task_id in received

    for attempt in itertools.count():
        caller.call(f'D{UIDS[0]}', UIDS[0], f'{FIRST}{attempt}')
        if caller.wait_for(lambda: not caller.outstanding, 5.0) and slow.wait_for(
            both_have_the_last_result, 0.2
        ):
            break
        assert attempt < 200, caller.refusals
    for records in (caller.answers, caller.results, caller.refusals, slow.results):
        records.clear()
    caller.outstanding = 0


def make_calls(caller: SoakCaller) -> None:
    """Call devices at random, many at a time, until enough calls were accepted."""
    chosen = random.Random(SEED)
    for number in itertools.count():
        assert caller.wait_for(lambda: caller.outstanding < OUTSTANDING, PATIENCE_S)
        if len(caller.answers) - len(caller.refusals) >= COUNT:
            return
        uid = chosen.choice(UIDS)
        caller.call(f'D{uid}', uid, f'c{number}')


def call_each_device_once_more(site: Site) -> None:
    """Wait until each device has answered one more call: what was on its way has arrived."""
    caller = site.caller
    for uid in UIDS:
        for attempt in itertools.count():
            text = f'last{uid}/{attempt}'
            caller.call(f'D{uid}', uid, text)
            assert caller.wait_for(lambda: not caller.outstanding, PATIENCE_S)
            if caller.results[-1].text == text:
                break
            assert attempt < 1000, caller.refusals[-1]
            time.sleep(0.05)


def wait_for_all_results(site: Site) -> None:
    caller, slow = site.caller, site.slow_caller
    assert caller.wait_for(lambda: not caller.outstanding, PATIENCE_S), caller.outstanding
    last = caller.results[-1].task_id
    assert slow.wait_for(lambda: any(r.task_id == last for r in slow.results), PATIENCE_S)


def test_no_call_is_lost_doubled_late_or_executed_twice(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f'\nHOS_SOAK_SEED={SEED}')
    wait_for_discovery(site)
    faults = Faults(site)
    with faults.running():
        make_calls(site.caller)
    wait_for_all_results(site)
    for devices in (site.ros_devices, site.gateway_devices):
        devices.send_signal(signal.SIGUSR1)
    call_each_device_once_more(site)
    wait_for_all_results(site)
    problems = [
        f'{name}: {problem}'
        for name, caller in (('caller', site.caller), ('slow caller', site.slow_caller))
        for problem in site.log(caller).problems()
    ]
    assert not problems, '\n'.join([f'seed {SEED}, {len(problems)} problems', *problems[:50]])
    for second in site.seconds:
        assert second.wait() == 1 and 'another device manager' in second.output, second.output
    for reload in site.caller.reloads:
        assert reload.done() and reload.result().success, reload.result()
    site.manager.stop()
    check_that_it_was_a_bad_day(site, faults, capsys)


def check_that_it_was_a_bad_day(
    site: Site, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = collections.Counter(
        str(line.get('behaviour') or line.get('fault')) for line in site.lines()
    )
    successes = sum(result.success for result in site.caller.results)
    with capsys.disabled():
        print(f'{len(site.caller.results)} results, {successes} of them successful;')
        print(f'{len(site.caller.refusals)} calls refused; {dict(seen)}; {dict(faults.counts)}')
    expected = {*faulty_devices.BEHAVIOURS, 'device falls silent', 'late advertise_service'}
    assert expected | {'close', 'half-open'} <= seen.keys()
    assert len(faults.counts) == 6
    assert len(site.caller.results) >= COUNT and successes > COUNT / 2
