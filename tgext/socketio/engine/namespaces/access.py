"""Which methods of a namespace a client may call."""

from __future__ import annotations


class AccessList:
    """The part of a namespace that says what its client may call: an ACL.

    :ivar allowed_methods: see :meth:`get_initial_acl`.
    """

    allowed_methods: set[str] | None

    def get_initial_acl(self) -> set[str] | None:
        """The names of the methods that a client may call at first.

        :returns: a set such as ``{'recv_connect', 'on_login'}``, or None to allow all.
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
