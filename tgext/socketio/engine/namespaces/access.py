"""Which methods of a namespace a client may call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .events import CATCH_ALL, events_of, is_catch_all


class AccessList:
    """The part of a namespace that says what its client may call: an ACL.

    :ivar allowed_methods: see :meth:`get_initial_acl`.
    """

    allowed_methods: set[str] | None

    #: Whether a client gets an ``error`` event, ``unallowed_event_name``, when it sends
    #: an event whose name no method can have. If False, clients 1.x to 4.x are told in
    #: the ack alone, if they asked for one. A client built on Node's ``EventEmitter``
    #: ends when it gets an ``error`` event and has no listener for it.
    unallowed_event_name_error: bool = True

    #: The methods with :func:`~.events.event`, by the names of their events.
    _tgsio_events: ClassVar[Mapping[str, str]] = {}
    #: Whether the class has a method for all other events; see :func:`.is_catch_all`.
    _tgsio_catches: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._tgsio_events = events_of(cls)
        cls._tgsio_catches = is_catch_all(getattr(cls, CATCH_ALL, None))

    def _tgsio_method_of(self, name: str, usual: str) -> str:
        """The method of an event that has a name of its own, or is not known yet.

        :param usual: the method that has the name of the event, or empty.
        :returns: the name of the method; empty when there can be none.
        """
        method_name = self._tgsio_events.get(name, usual)
        if not method_name and self.allowed_methods is not None:
            listed = f"on_{name}"
            return listed if listed in self.allowed_methods else ""
        return method_name

    def get_initial_acl(self) -> set[str] | None:
        """The names of the methods that a client may call at first.

        :returns: a set such as ``{'recv_connect', 'on_login'}``, or None to allow all.
            With ``'on_a-b'`` in the set, an event may be called ``a-b``; the namespace
            needs a ``__getattr__``, or :func:`setattr`, for its method.
        """
        return None

    def reset_acl(self) -> None:
        """Allow what :meth:`get_initial_acl` says."""
        self.allowed_methods = self.get_initial_acl()

    def add_acl_method(self, method_name: str) -> None:
        """Allow one more method."""
        if isinstance(self.allowed_methods, set):
            self.allowed_methods.add(method_name)
        else:
            self.allowed_methods = {method_name}

    def del_acl_method(self, method_name: str) -> None:
        """Forbid a method.

        :raises ValueError: when all methods are allowed.
        :raises KeyError: when the method is not allowed.
        """
        if self.allowed_methods is None:
            raise ValueError(
                f"Cannot forbid {method_name!r}: without an ACL, all are allowed. "
                "Define get_initial_acl, or call add_acl_method first."
            )
        self.allowed_methods.remove(method_name)

    def lift_acl_restrictions(self) -> None:
        """Allow all methods."""
        self.allowed_methods = None

    def is_method_allowed(self, method_name: str) -> bool:
        """Whether the client may call a method now."""
        return self.allowed_methods is None or method_name in self.allowed_methods
