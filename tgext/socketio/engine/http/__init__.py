"""HTTP/1.1: reading requests strictly, and answering them (RFC 9110, RFC 9112)."""

from ..io.sending import SENT_AT_ONCE
from .connection import HTTPHandler
from .output import HeaderList, check_headers

__all__ = ["SENT_AT_ONCE", "HTTPHandler", "HeaderList", "check_headers"]
