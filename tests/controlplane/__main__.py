"""A control plane for one's own tries: `python -m tests.controlplane start|stop --dir .cluster`."""

import argparse
import shlex
import shutil
import sys
from pathlib import Path

from tests.controlplane.install import start_whole
from tests.controlplane.plane import ControlPlane
from tests.controlplane.programs import CONTROLLER_PROGRAMS, NotStarted, kill, missing_programs, one_at_a_time


def main() -> int:
    """Exit code 1, and a sentence on stderr, when it did not start."""
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane", description=__doc__)
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("--dir", type=Path, required=True, help="where its data, logs and kubeconfigs are")
    options = parser.parse_args()
    try:
        refuse_other_folders(options.dir)
        return start(options.dir) if options.action == "start" else stop(options.dir)
    except NotStarted as error:
        sys.stderr.write(f"{error}\n")
        return 1


def refuse_other_folders(folder: Path) -> None:
    """What is in the folder will be removed, so it has to be one that was made here."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "lock").exists():
        raise NotStarted(f"{folder} holds no control plane, but other files: name another folder with --dir.")


def start(folder: Path) -> int:
    """Start it where it does not run yet; prints the line that points kubectl and reconcile at it."""
    with one_at_a_time(folder):
        plane = ControlPlane.attach(folder) or start_new(folder)
    if not plane.has_controllers:
        names = ", ".join(missing_programs(CONTROLLER_PROGRAMS)) or "controllers"
        sys.stderr.write(f"Without {names}: no pod starts, and no garbage is collected.\n")
    sys.stdout.write(f"export KUBECONFIG={shlex.quote(str(plane.kubeconfig))}\n")
    plane.close()
    return 0


def start_new(folder: Path) -> ControlPlane:
    """A fresh one: old data would not fit a new certificate."""
    remove_data(folder)
    return start_whole(folder)


def stop(folder: Path) -> int:
    """End it, and remove its folder; nothing to do is success."""
    if folder.is_dir():
        remove_data(folder)
        shutil.rmtree(folder)
    return 0


def remove_data(folder: Path) -> None:
    """End what runs in the folder, and remove what it left, but for the lock that is held."""
    kill(folder)
    for item in folder.iterdir():
        if item.is_dir():
            shutil.rmtree(item)
        elif item.name != "lock":
            item.unlink()


if __name__ == "__main__":
    sys.exit(main())
