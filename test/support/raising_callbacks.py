"""
A program with one node whose code raises an exception where the device layer runs it.

    raising_callbacks.py KIND EXECUTOR

The manager is on another executor: exceptions are handled differently with more than one node.
"""

from __future__ import annotations

import faulthandler
import sys
import threading
from collections.abc import Coroutine

import rclpy
from calling import LATER, call, finish, spin_until
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from stand_in_manager import FAILS, REFUSED, REPORTS_BEFORE_IT_ANSWERS, StandInManager

EXECUTORS = {'events': EventsExecutor, 'single-threaded': SingleThreadedExecutor}

# Then it says where it hangs, and ends [s].
HANGS_AFTER_S = 120.0

raised = threading.Event()


def raise_error(*_: object) -> None:
    raised.set()
    raise ValueError('a mistake of the user')


async def raise_error_in_a_coroutine(*_: object) -> None:
    raise_error()


async def await_result(node: Node, function_name: str) -> None:
    try:
        await call(node, function_name)
    finally:
        raised.set()


async def await_what_is_done(node: Node) -> None:
    refused = call(node, REFUSED)
    while not refused.result.done():
        await call(node, REPORTS_BEFORE_IT_ANSWERS)
    raised.set()
    await refused


async def await_and_raise(node: Node) -> None:
    await call(node, REPORTS_BEFORE_IT_ANSWERS)
    raise_error()


async def call_wrongly(node: Node) -> None:
    raised.set()
    await call(node, LATER, 'a text that cannot be sent: \0')


def run(coroutine: Coroutine[None, None, None], node: Node, executor: Executor) -> None:
    executor.create_task(coroutine)


def run_in_timer(coroutine: Coroutine[None, None, None], node: Node, executor: Executor) -> None:
    async def on_timer() -> None:
        timer.cancel()
        await coroutine

    timer = node.create_timer(0.01, on_timer)


# What raises an exception in a program with one node, by the name of the test's parameter.
KINDS = {
    'callback of result': lambda n, e: call(n, LATER).result.add_done_callback(raise_error),
    'callback of future': lambda n, e: call(n, LATER).future.add_done_callback(raise_error),
    'coroutine as callback': lambda n, e: call(n, LATER).result.add_done_callback(
        raise_error_in_a_coroutine
    ),
    'failed call in a task': lambda n, e: run(await_result(n, FAILS), n, e),
    'refused call in a timer': lambda n, e: run_in_timer(await_result(n, REFUSED), n, e),
    'call in a task that was done before': lambda n, e: run(await_what_is_done(n), n, e),
    'mistake after a call in a task': lambda n, e: run(await_and_raise(n), n, e),
    'wrong argument in a task': lambda n, e: run(call_wrongly(n), n, e),
    'wrong argument in a timer': lambda n, e: run_in_timer(call_wrongly(n), n, e),
    'mistake after a call in a timer': lambda n, e: run_in_timer(await_and_raise(n), n, e),
}


def main(kind: str, executor_name: str) -> None:
    """Have an exception raised, and wait for the result of another call."""
    faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True)
    rclpy.init()
    manager, node = StandInManager(), Node('caller')
    managers, executor = SingleThreadedExecutor(), EXECUTORS[executor_name]()
    managers.add_node(manager)
    executor.add_node(node)
    manager.create_timer(0.05, manager.finish_all)
    ended = threading.Event()
    spinner = threading.Thread(target=spin_until, args=(managers, ended.is_set))
    spinner.start()
    KINDS[kind](node, executor)
    spin_until(executor, raised.is_set)
    finish(executor, call(node, LATER))
    sys.stdout.write('survived\n')
    ended.set()
    spinner.join()
    for each in (managers, executor):
        each.shutdown()
    rclpy.shutdown()


if __name__ == '__main__':
    main(*sys.argv[1:])
