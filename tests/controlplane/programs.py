"""One program of the control plane: started in the background, asked whether it lives, killed.

What is running is known from files in its folder alone, so that whoever has the folder can end it:
`NAME.pid`, and `NAME.log`, on which the program holds a lock for as long as it lives. A pid that was
given to another process in the meantime is therefore never killed.
"""

import fcntl
import os
import random
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

API_PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
CONTROLLER_PROGRAMS = ("kube-controller-manager", "kube-scheduler", "kwok")
HOST = "127.0.0.1"
# Below the ports that systems give to outgoing connections, the control plane's own among them.
PORTS = range(20_000, 32_000)


class NotStarted(Exception):
    """A program ended, or was not ready in time; the message has the end of its log."""


def assets() -> Path | None:
    """The folder that holds the programs, from KUBEBUILDER_ASSETS; None where it is not set."""
    value = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(value) if value else None


def missing_programs(names: Sequence[str] = API_PROGRAMS + CONTROLLER_PROGRAMS) -> tuple[str, ...]:
    """Those of `names` that KUBEBUILDER_ASSETS does not have."""
    folder = assets()
    return tuple(name for name in names if folder is None or not os.access(folder / name, os.X_OK))


def program(name: str) -> Path:
    """Where a program is; `NotStarted` where it is not."""
    folder = assets()
    if folder is None or missing_programs([name]):
        raise NotStarted(
            f"{name} is not in KUBEBUILDER_ASSETS ({folder or 'not set'}). "
            'Get it with `export KUBEBUILDER_ASSETS="$(setup-envtest use -p path)"` '
            "(etcd, kube-apiserver and kubectl only)."
        )
    return folder / name


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    for port in random.sample(PORTS, 200):
        with socket.socket() as attempt, suppress(OSError):
            attempt.bind((HOST, port))
            return port
    raise NotStarted(f"no free port among {PORTS.start} to {PORTS.stop}")


def spawn(folder: Path, name: str, arguments: Sequence[str]) -> None:
    """Start a program in a process group of its own, so that Ctrl-C in a test run does not reach it."""
    path = program(name)
    log = os.open(folder / f"{name}.log", os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
    try:
        # The lock belongs to the open file, which the program inherits as its stdout and keeps.
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        pid = os.posix_spawn(
            path,
            [name, *arguments],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
            setpgroup=0,
        )
        (folder / f"{name}.pid").write_text(f"{pid}\n")
    finally:
        os.close(log)


def alive(folder: Path, name: str) -> bool:
    """Whether the program that was started in this folder still runs."""
    log = folder / f"{name}.log"
    if not log.exists():
        return False
    with log.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def last_lines(folder: Path, name: str, count: int = 15) -> str:
    """The end of a program's log."""
    return "\n".join((folder / f"{name}.log").read_text(errors="replace").splitlines()[-count:])


def running(folder: Path) -> Iterator[str]:
    """The names of the programs that run in this folder."""
    return (file.stem for file in sorted(folder.glob("*.pid")) if alive(folder, file.stem))


def kill(folder: Path) -> None:
    """End every program of this folder, at once: kube-apiserver takes a minute when asked nicely."""
    for name in list(running(folder)):
        pid = int((folder / f"{name}.pid").read_text())
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):  # not ours to wait for when another process started it
            os.waitpid(pid, 0)
        with (folder / f"{name}.log").open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
    for file in folder.glob("*.pid"):
        file.unlink()


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Only one process is in here for a folder; the others wait. The kernel ends it with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
