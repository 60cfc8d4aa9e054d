"""A small process that runs another one, and writes down how long it took, on the clock and of the CPU, and
how large it became.

    python -m bench.launch REPORT PROGRAM [ARGUMENT]...

A child's ru_maxrss begins at the size of the process that forked it: the one that measures, with thousands of
manifests in it, would lend the command its own size.
"""

import json
import os
import sys
import time


def main() -> int:
    """Exit code 0; REPORT gets `{"code", "seconds", "cpu", "mebibytes"}`."""
    report, *command = sys.argv[1:]
    begun = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begun
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, KiB elsewhere
    found = {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "mebibytes": usage.ru_maxrss / unit,
    }
    with open(report, "w", encoding="utf-8") as file:
        json.dump(found, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
