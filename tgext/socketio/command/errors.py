"""The error that ``gearbox socketio`` prints."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot do what it was asked; the line says why."""
