"""The error for a native thread that would have to wait for a client."""

from .concurrency.threads import WrongThread

__all__ = ["WrongThread"]
