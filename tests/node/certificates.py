"""A private certificate authority, and certificates that it signs, by openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


def authority(folder: Path) -> Certificate:
    """Make an authority that is trusted only where its certificate is named."""
    made = Certificate(folder / "ca.crt", folder / "ca.key")
    _openssl("req", "-x509", *_subject("preview-reconcile tests"), *_outputs(made))
    return made


def signed(by: Certificate, host: str, folder: Path) -> Certificate:
    """Make a certificate for a hostname."""
    made = Certificate(folder / "tls.crt", folder / "tls.key")
    extensions = ("-addext", f"subjectAltName=DNS:{host}", "-addext", "basicConstraints=critical,CA:FALSE")
    issuer = ("-CA", str(by.certificate), "-CAkey", str(by.key))
    _openssl("req", "-x509", *issuer, *_subject(host), *extensions, *_outputs(made))
    return made


def _subject(name: str) -> tuple[str, ...]:
    return ("-subj", f"/CN={name}", "-days", "2", "-newkey", "rsa:2048", "-nodes")


def _outputs(made: Certificate) -> tuple[str, ...]:
    return ("-out", str(made.certificate), "-keyout", str(made.key))


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
