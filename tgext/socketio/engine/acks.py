"""The errors that waiting for an ack raises."""

from .concurrency.failures import ConnectionLost
from .namespaces.acks import AckTimeout

__all__ = ["AckTimeout", "ConnectionLost"]
