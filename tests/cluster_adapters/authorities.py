"""Certificate authorities of each sort that clusters have, and the certificates that they sign, by openssl."""

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

HOST = "pr-1.preview.example.com"
NAMES = f"subjectAltName = IP:127.0.0.1, DNS:{HOST}"
NO_IDS = ("subjectKeyIdentifier = none", "authorityKeyIdentifier = none")
IDS = ("subjectKeyIdentifier = hash", "authorityKeyIdentifier = keyid:always")
CA = "basicConstraints = critical, CA:TRUE"
SIGNS = "keyUsage = critical, keyCertSign, cRLSign"
SERVES_AND_SIGNS = "keyUsage = critical, digitalSignature, keyEncipherment, keyCertSign"
CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = unused
[ext]
"""


@dataclass(frozen=True)
class Sort:
    """An authority, and the certificate of a server: their extensions, as openssl writes them."""

    title: str
    root: tuple[str, ...] = (CA, SIGNS, *IDS)
    server: tuple[str, ...] = (NAMES, "basicConstraints = critical, CA:FALSE", *IDS)
    between: tuple[str, ...] | None = None
    """Those of an intermediate authority, where one has signed the server's."""
    trusted: tuple[str, ...] = ("root",)
    """What the client trusts: `root`, `between`, `server`, or `other`, which has signed nothing here."""
    subject: str = "/CN=kube-apiserver"
    days: int = 1
    root_days: int = 1


TAKEN = (
    Sort("an authority with everything"),
    Sort("no key identifiers", (CA, SIGNS, *NO_IDS), (NAMES, *NO_IDS)),
    Sort("no authority key identifier in the server's", server=(NAMES, IDS[0], NO_IDS[1])),
    Sort("basicConstraints that are not critical", ("basicConstraints = CA:TRUE", SIGNS, *IDS)),
    Sort("no keyUsage", (CA, *IDS)),
    Sort("nothing but CA:TRUE", ("basicConstraints = CA:TRUE", *NO_IDS), (NAMES, *NO_IDS)),
    Sort("a root of version 1", (), (NAMES, *NO_IDS)),
    Sort("no subject in the server's", subject="/"),
    Sort("the file of kube-apiserver: server and root", trusted=("server", "root")),
    Sort("the server's own, signed by itself", (NAMES, *NO_IDS), ()),
    Sort("the server's own, signed by itself as an authority", (CA, SERVES_AND_SIGNS, NAMES, *IDS), ()),
    Sort("the server's own, signed by an authority that is not trusted", trusted=("server",)),
    Sort("an intermediate authority", between=(CA, SIGNS, *IDS)),
    Sort("an intermediate authority alone is trusted", between=(CA, SIGNS, *IDS), trusted=("between",)),
    Sort("another authority is trusted too", trusted=("other", "root")),
)
REFUSED = (
    Sort("unknown authority", trusted=("other",)),
    Sort("wrong name", server=("subjectAltName = IP:127.0.0.2, DNS:another.example.com", *IDS)),
    Sort("expired", days=-1),
    Sort("expired authority", root_days=-1),
    Sort("signed by what is no authority", ("basicConstraints = CA:FALSE", *IDS)),
    Sort("signed by what may not sign", (CA, "keyUsage = digitalSignature", *IDS)),
    Sort("a certificate for clients alone", server=(NAMES, "extendedKeyUsage = clientAuth", *IDS)),
    Sort("an intermediate that is no authority", between=("basicConstraints = CA:FALSE", *IDS)),
)


@dataclass(frozen=True)
class Made:
    """The files of a sort: what the server shows, its key, and what the client trusts."""

    chain: Path
    key: Path
    trusted: Path


def make(sort: Sort, folder: Path) -> Made:
    """Make the files of a sort."""
    root = _signed("root", sort.root, folder, days=sort.root_days)
    if "other" in sort.trusted:
        _signed("other", (CA, SIGNS, *IDS), folder)
    signer, chain = root, ""
    if sort.between is not None:
        signer = _signed("between", sort.between, folder, by=root)
        chain = signer.read_text()
    server = root
    if sort.server:
        server = _signed("server", sort.server, folder, by=signer, subject=sort.subject, days=sort.days)
    trusted = "".join((folder / f"{name}.pem").read_text() for name in sort.trusted)
    made = Made(folder / "chain.pem", server.with_suffix(".key"), folder / "trusted.pem")
    made.chain.write_text(server.read_text() + chain)
    made.trusted.write_text(trusted)
    return made


def authority(folder: Path) -> Path:
    """Make an authority; returns its certificate, beside which its key is."""
    return _signed("root", (CA, SIGNS, *IDS), folder)


def signed(folder: Path, by: Path) -> Path:
    """Make a client's certificate; returns it, beside which its key is."""
    return _signed("client", NO_IDS, folder, by=by)


def _signed(
    name: str,
    extensions: tuple[str, ...],
    folder: Path,
    *,
    by: Path | None = None,
    subject: str | None = None,
    days: int = 1,
) -> Path:
    config, request, made = (folder / f"{name}.{suffix}" for suffix in ("cnf", "csr", "pem"))
    key = made.with_suffix(".key")
    config.write_text(CONFIG + "".join(f"{line}\n" for line in extensions))
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key))
    named = ("-config", str(config), "-subj", subject or f"/CN={name}")
    if not extensions and _has_option("req", "-x509v1"):  # `x509 -req` adds some of its own since then
        _openssl("req", "-x509", "-x509v1", *new, *named, "-days", str(days), "-out", str(made))
        return made
    _openssl("req", *new, *named, "-out", str(request))
    signer = ("-CA", str(by), "-CAkey", str(by.with_suffix(".key"))) if by else ("-signkey", str(key))
    more = ("-extfile", str(config), "-extensions", "ext") if extensions else ()
    serial = ("-set_serial", str(abs(hash(name)) + 1))
    _openssl("x509", "-req", "-in", str(request), *signer, *serial, *_dates(days), *more, "-out", str(made))
    return made


def _dates(days: int) -> tuple[str, ...]:
    """From now on for so many days, or over; what has `-not_after` takes no `-days` below 0."""
    if days > 0 or not _has_option("x509", "-not_after"):
        return "-days", str(days)
    return "-not_before", "20200101000000Z", "-not_after", "20200102000000Z"


@cache
def _has_option(command: str, option: str) -> bool:
    if shutil.which("openssl") is None:
        return False
    done = subprocess.run(["openssl", command, "-help"], capture_output=True, text=True)
    return option in done.stdout + done.stderr


def _openssl(*arguments: str) -> None:
    try:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("not on the PATH: openssl, which makes the certificates")
