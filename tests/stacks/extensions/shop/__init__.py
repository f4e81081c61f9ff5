"""A TurboGears application with extensions, which send to its sockets."""

import sys

from tg import FullStackApplicationConfigurator
from tgext.pluggable import plug
from webassets import Bundle


class Globals: ...


def make_app(global_conf, **settings):
    base_config = FullStackApplicationConfigurator()
    base_config.update_blueprint(
        {
            "package": sys.modules[__name__],
            "app_globals": Globals,
            "tm.enabled": True,
            "renderers": ["json", "kajiki"],
            "default_renderer": "kajiki",
            "i18n.enabled": False,
            "session.enabled": False,
            "auth_backend": None,
        }
    )
    plug(base_config, "tgext.mailer")
    plug(base_config, "tgext.asyncjob")
    plug(base_config, "tgext.rq")
    plug(base_config, "tgext.celery", celery_config={})
    bundles = {"shop": Bundle("shop.js", output="all.js")}
    plug(base_config, "tgext.webassets", bundles=bundles)
    plug(base_config, "cart")
    plug(base_config, "tgext.debugbar")
    plug(base_config, "tgext.socketio.debugbar")
    till = {"till": "shop.controllers.root:Till"}
    plug(base_config, "tgext.socketio", appid="plugged", namespaces=till)
    return base_config.make_wsgi_app(dict(global_conf), settings)
