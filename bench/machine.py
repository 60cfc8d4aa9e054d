"""Where it was measured: the machine, how busy it was, and the versions of what was measured."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from reconcile import __version__

LIBRARIES = ("lightkube", "httpx2", "msgspec", "pydantic", "click")


@dataclass(frozen=True)
class Machine:
    """`load` is the load average of the minute before: above 0 others had a share of the machine."""

    system: str
    processor: str
    cores: int
    gibibytes: float
    load: float
    versions: dict[str, str]

    def __str__(self) -> str:
        """Two sentences for a document."""
        told = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"{self.processor}, {self.cores} cores, {self.gibibytes:.0f} GiB, {self.system}; "
            f"load average {self.load:.1f} at the start. Everything on one machine.\n{told}."
        )


def this_machine(kubernetes: str) -> Machine:
    """The machine that this runs on; `kubernetes` is the API server's version."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        gibibytes=pages / 2**30,
        load=os.getloadavg()[0],
        versions={
            "preview-reconcile": __version__,
            "Kubernetes": kubernetes,
            "Python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    )


def _processor() -> str:
    """Linux tells it in a file, other systems by themselves."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or "unknown processor"
