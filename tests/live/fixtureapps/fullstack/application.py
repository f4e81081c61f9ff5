"""The configuration of the application: what quickstart calls ``config/app_cfg.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tg
from tg import FullStackApplicationConfigurator
from tg.configuration.auth import TGAuthMetadata

import fullstack
from fullstack import model
from fullstack.observation import Observer, Reporter, observe
from fullstack.root import RootController
from fullstack.sockets import SocketIO


class AuthMetadata(TGAuthMetadata):
    """Looks up users in the database as quickstart does."""

    def authenticate(self, environ: Any, identity: Mapping[str, Any]) -> str | None:
        user = self.get_user(identity, identity["login"])
        if user is None or not user.validate_password(identity["password"]):
            return None
        return identity["login"]

    def get_user(self, identity: Any, userid: str) -> model.User | None:
        return model.DBSession.query(model.User).filter_by(user_name=userid).first()

    def get_groups(self, identity: Mapping[str, Any], userid: str) -> list[str]:
        return [group.group_name for group in identity["user"].groups]

    def get_permissions(self, identity: Mapping[str, Any], userid: str) -> list[str]:
        return [each.permission_name for each in identity["user"].permissions]


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {
            "package": fullstack,
            "root_controller": RootController(),
            "renderers": ["json", "kajiki"],
            "default_renderer": "kajiki",
            "use_sqlalchemy": True,
            "model": model,
            "sa_auth.enabled": True,
            "sa_auth.authmetadata": AuthMetadata(),
            "sa_auth.post_login_url": "/post_login",
            "sa_auth.post_logout_url": "/post_logout",
            "trace_errors.reporters": [Reporter()],
            "serve_static": False,
        }
    )
    configurator.register_application_wrapper(Observer)
    tg.hooks.register("initialized_config", find_catalogs)
    tg.hooks.register("before_validate", observe("before_validate"))
    tg.hooks.register("before_call", observe("before_call"))
    return configurator.make_wsgi_app(dict(global_conf), settings)


def find_catalogs(configurator: Any, config: dict[str, Any]) -> None:
    """The tests compile the catalogs to a directory of their own."""
    config["localedir"] = config["catalogs"]


__all__ = ["SocketIO", "make_app"]
