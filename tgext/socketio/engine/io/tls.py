"""The configuration of TLS: the server's certificate, key and context."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, NoReturn

from gevent.ssl import SSLContext, create_default_context


def server_context(certfile: str | None, keyfile: str | None) -> SSLContext:
    """The context of a server that speaks TLS.

    :param certfile: the path of a PEM file: the server's certificate, then the
        intermediate certificates.
    :param keyfile: the path of the certificate's key in PEM; None when ``certfile``
        contains it.
    :raises ValueError: when a file is invalid; the message names the option.
    """
    if certfile is None:
        raise ValueError(f"keyfile: {keyfile!r} needs a certfile")
    for name, path in (("certfile", certfile), ("keyfile", keyfile)):
        if path is not None:
            _check_readable(name, path)
    context = create_default_context(ssl.Purpose.CLIENT_AUTH)

    def password() -> NoReturn:
        raise ValueError(f"keyfile: {keyfile or certfile!r} is encrypted; decrypt it")

    try:
        context.load_cert_chain(certfile, keyfile, password)
    except ssl.SSLError as error:
        raise ValueError(_explain(error, certfile, keyfile)) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _explain(error: ssl.SSLError, certfile: str, keyfile: str | None) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"keyfile: {keyfile or certfile!r} is not the key of {certfile!r}"
    if error.reason is not None and error.reason.endswith("_TOO_SMALL"):
        return f"certfile: {certfile!r} has a key that is too short; make a longer one"
    certificate = f"certfile: {certfile!r} holds no certificate in PEM"
    if keyfile is None:
        return f"{certificate}, or not its key; set keyfile to the file of the key"
    try:
        # This loads any certificate without a key, so it tells which file is invalid.
        SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(certfile)
    except ssl.SSLError:
        return certificate
    return f"keyfile: {keyfile!r} holds no key in PEM"


def check_context(context: Any) -> None:
    """Check that a context is one of :mod:`gevent.ssl`, and for a server.

    The connections of a context of another module would block the event loop.

    :raises ValueError: when it is not.
    """
    if not isinstance(context, SSLContext):
        raise ValueError(f"ssl_context: {context!r} is not a context of gevent.ssl")
    if context.protocol == ssl.PROTOCOL_TLS_CLIENT:
        raise ValueError(
            "ssl_context: it is for clients; a server needs one with "
            "ssl.Purpose.CLIENT_AUTH or ssl.PROTOCOL_TLS_SERVER"
        )


def _check_readable(name: str, path: str) -> None:
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{name}: {path!r} cannot be read: {error.strerror}") from None


#: Options beside ``certfile``, by the names of :mod:`ssl`.
_FURTHER = ("ca_certs", "cert_reqs", "ciphers")


def tls_context(
    certfile: str | None, keyfile: str | None, kwargs: dict[str, Any]
) -> SSLContext | None:
    """The context that a server's options ask for; None without TLS.

    :param kwargs: the options for gevent's server: ``ssl_context`` is read and set;
        ``ca_certs``, ``cert_reqs`` and ``ciphers`` are taken.
    :raises ValueError: when an option is invalid; the message names it.
    """
    context = kwargs.pop("ssl_context", None)
    rest = {
        name: kwargs.pop(name, None) for name in ("ca_certs", "cert_reqs", "ciphers")
    }
    rest = {name: value for name, value in rest.items() if value is not None}
    if certfile or keyfile:
        if context is not None:
            raise ValueError("ssl_context: it has the certificate; remove certfile")
        context = server_context(certfile, keyfile)
        _configure(context, **rest)
    elif rest:
        name, value = next(iter(rest.items()))
        what = "needs a certfile" if context is None else "is set in ssl_context"
        raise ValueError(f"{name}: {value!r} {what}")
    if context is None:
        return None
    check_context(context)
    kwargs["ssl_context"] = context
    tls: SSLContext = context
    return tls


def _configure(
    context: SSLContext,
    ca_certs: str | None = None,
    cert_reqs: int | None = None,
    ciphers: str | None = None,
) -> None:
    """Set what gevent's servers pass to :mod:`ssl`, by the same names.

    :param ca_certs: the path of a PEM file: authorities of the certificates of clients,
        and intermediate certificates of the server's own.
    :param cert_reqs: whether clients need a certificate: one of the constants
        ``CERT_`` of :mod:`ssl`.
    """
    if ca_certs is not None:
        _check_readable("ca_certs", ca_certs)
        try:
            context.load_verify_locations(ca_certs)
        except ssl.SSLError:
            raise ValueError(f"ca_certs: {ca_certs!r} holds no certificates") from None
    if cert_reqs is not None:
        try:
            context.verify_mode = ssl.VerifyMode(cert_reqs)
        except ValueError:
            raise ValueError(f"cert_reqs: {cert_reqs!r} is no ssl.CERT_...") from None
    if ciphers is not None:
        try:
            context.set_ciphers(ciphers)
        except ssl.SSLError:
            raise ValueError(f"ciphers: {ciphers!r} names no cipher") from None
