"""What waits for the transaction of an event, of a page or of a job."""

from .request.transactions import on_commit

__all__ = ["on_commit"]
