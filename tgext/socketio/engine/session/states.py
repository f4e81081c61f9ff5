"""What becomes of a client that asks for a namespace."""

from __future__ import annotations

import enum

from ..concurrency.interruption import Interrupted


class State(enum.Enum):
    """What became of a client that asked for a namespace."""

    ASKING = "asking"
    ADMITTED = "admitted"
    REFUSED = "refused"
    LEFT = "left"


class AdmissionEnded(Interrupted):
    """Raised in ``initialize`` or ``recv_connect`` when a limit is exceeded."""
