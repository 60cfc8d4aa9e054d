"""Python's garbage collector, left alone while much is read that stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No collection meanwhile.

    Each would walk through all that was read so far, which is ten thousand trees of JSON, and find nothing:
    trees have no circles, and go when nobody refers to them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
