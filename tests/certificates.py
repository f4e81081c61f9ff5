"""Certificates for servers of tests that speak TLS."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

#: A kind of key that is made at once.
CURVE = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]


def make_certificate(directory: Path, bits: int = 0) -> tuple[Path, Path]:
    """A certificate for localhost, which is its own authority, and its key.

    :param bits: of an RSA key, which takes a second to make.
    """
    if shutil.which("openssl") is None:
        pytest.skip("not installed: openssl")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subject = ["-subj", "/CN=localhost", "-addext", names]
    files = ["-keyout", str(key), "-out", str(certificate)]
    key_of = [f"rsa:{bits}"] if bits else CURVE
    kind = ["-x509", "-newkey", *key_of, "-nodes", "-days", "2"]
    command = ["openssl", "req", *kind, *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
