"""HTTP/1.1: reading requests strictly, and answering them (RFC 9110, RFC 9112)."""

from .connection import HTTPHandler
from .output import SENT_AT_ONCE, HeaderList, check_headers

__all__ = ["SENT_AT_ONCE", "HTTPHandler", "HeaderList", "check_headers"]
