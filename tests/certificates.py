"""Certificates for servers of tests that speak TLS."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def make_certificate(directory: Path, bits: int = 2048) -> tuple[Path, Path]:
    """A certificate for localhost, which is its own authority, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("not installed: openssl")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subject = ["-subj", "/CN=localhost", "-addext", names]
    files = ["-keyout", str(key), "-out", str(certificate)]
    kind = ["-x509", "-newkey", f"rsa:{bits}", "-nodes", "-days", "2"]
    command = ["openssl", "req", *kind, *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
