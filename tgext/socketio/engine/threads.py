"""What is raised where a native thread would have to wait for a client."""

from .concurrency.threads import WrongThread

__all__ = ["WrongThread"]
