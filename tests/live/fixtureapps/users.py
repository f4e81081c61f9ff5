"""Users of applications that log in with the password ``sesame``."""

from __future__ import annotations

from typing import Any

from tg.configuration.auth import TGAuthMetadata


class Users(TGAuthMetadata):
    def authenticate(self, environ: Any, identity: Any) -> str | None:
        return identity["login"] if identity["password"] == "sesame" else None

    def get_user(self, identity: Any, userid: str) -> Any:
        return {"name": userid}

    def get_groups(self, identity: Any, userid: str) -> list[str]:
        return []

    def get_permissions(self, identity: Any, userid: str) -> list[str]:
        return []
