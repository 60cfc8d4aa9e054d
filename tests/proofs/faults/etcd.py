"""A namespace as etcd has it: kept, and put back as it was, which no API server can do.

A restore from a backup of etcd does the same: uids, managedFields and times come back, byte for byte; only
the resourceVersions of what had changed are new. The API server learns of it by its watch, like of any write,
and its lists wait until it has.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

Kept = Mapping[str, str]
"""Keys and values, both in base64, as etcd's gateway has them."""

MOST_OPERATIONS = 100  # etcd takes 128 in a transaction


@dataclass(frozen=True)
class Etcd:
    """What lies under some prefixes of one etcd, asked through its JSON gateway."""

    client: httpx2.Client
    prefixes: tuple[str, ...]

    def keep(self) -> Kept:
        """Everything there."""
        ranges = [{"requestRange": _range(prefix)} for prefix in self.prefixes]
        answers = self._transaction(ranges)["responses"]
        return {
            pair["key"]: pair["value"] for one in answers for pair in one["response_range"].get("kvs", ())
        }

    def restore(self, kept: Kept) -> None:
        """Make it what it was. Nobody else may write there meanwhile."""
        for some in _batches(_differences(kept, self.keep())):
            self._transaction(some)

    def _transaction(self, operations: list[dict[str, Any]]) -> Any:
        answer = self.client.post("/v3/kv/txn", json={"success": operations})
        answer.raise_for_status()
        return answer.json()


def _differences(wanted: Kept, there: Kept) -> Iterator[dict[str, Any]]:
    for key in there.keys() - wanted.keys():
        yield {"requestDeleteRange": {"key": key}}
    for key, value in wanted.items():
        if there.get(key) != value:
            yield {"requestPut": {"key": key, "value": value}}


def _batches(operations: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    found = list(operations)
    for start in range(0, len(found), MOST_OPERATIONS):
        yield found[start : start + MOST_OPERATIONS]


def _range(prefix: str) -> dict[str, str]:
    """Every key that begins so: https://etcd.io/docs/v3.6/learning/api/#key-ranges"""
    key = prefix.encode()
    return {"key": _text(key), "range_end": _text(key[:-1] + bytes([key[-1] + 1]))}


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
