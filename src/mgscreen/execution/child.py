"""The process of a worker: ``python -m mgscreen.execution.child CALLS REPLIES LIFELINE MODULES``.

It answers calls one after another until the driver closes the pipe. Calls and replies are JSON:
nothing is unpickled. It dies with the driver, however that ends, together with every process that
it started: the lifeline is a pipe whose other end only the driver holds.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

READY, BEGUN, RESULT, ERROR = b"R", b"B", b"S", b"E"


def main(arguments: list[str]) -> None:
    """Answer calls until the pipe ends."""
    calls, replies, lifeline = (int(value) for value in arguments[:3])
    _die_with_driver(lifeline)
    # Ctrl-C is for the driver, which then ends its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in arguments[3:]:
        # a job that needs it says so itself
        with suppress(ImportError):
            import_module(name)
    incoming = Connection(calls, writable=False)
    outgoing = Connection(replies, readable=False)
    outgoing.send_bytes(READY)
    while True:
        try:
            call = incoming.recv_bytes()
        except EOFError:
            return
        # from here on the task counts as begun: if this process dies, it is lost
        outgoing.send_bytes(BEGUN)
        outgoing.send_bytes(_answer(call))
        _give_back()


def _give_back() -> None:
    """Return to the system what glibc has kept of the memory that the task has freed.

    An engine of the next task counts it as used, and PySCF then does without integrals in memory:
    after a DFT energy of a crystal a vertical redox potential took 363 s instead of 30.
    """
    # there is no such function in other C libraries
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _answer(call: bytes) -> bytes:
    try:
        request = json.loads(call)
        function: Any = import_module(request["module"])
        for part in request["name"].split("."):
            function = getattr(function, part)
        result = function(*request["args"], **request["kwargs"])
        return RESULT + json.dumps(result).encode()
    except Exception as error:  # noqa: BLE001 - travels back to the future
        text = "".join(traceback.format_exception(error))
        known = {"type": type(error).__name__, "message": str(error), "traceback": text}
        return ERROR + json.dumps(known).encode()


def _die_with_driver(lifeline: int) -> None:
    """Kill this process group as soon as the driver's end of the pipe closes."""
    if hasattr(fcntl, "F_SETSIG"):
        # Linux: the kernel does it, even while a long C call keeps Python's threads waiting
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)

    def watch() -> None:
        # nothing is ever written: this returns at the end of the driver
        os.read(lifeline, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])
