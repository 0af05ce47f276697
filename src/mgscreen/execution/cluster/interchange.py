"""Parsl's interchange, in a process that ends with its driver.

``python -m mgscreen.execution.cluster.interchange --token=TOKEN``. Parsl's own one outlives a
killed driver, and its command line does not tell whose it was.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time

_LOOK_S = 0.5


def main() -> None:
    """Read the configuration as Parsl sends it, then serve until the driver is gone."""
    driver = os.getppid()

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(_LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, name="driver-watch", daemon=True).start()
    # written by the driver, into a pipe that only it has
    config = pickle.load(sys.stdin.buffer)  # noqa: S301
    from parsl.executors.high_throughput.interchange import Interchange

    Interchange(**config).start()


if __name__ == "__main__":
    main()
