"""tgext.socketio in a full-stack application, as `gearbox quickstart` makes them.

It has a database with zope.sqlalchemy and the transaction manager, a login by
repoze.who, users and permissions in the database, beaker sessions in files, and
translation.

Started by run.py, or by hand as full_stack.ini says, with `PYTHONPATH=.`.
"""

from __future__ import annotations

import sys
from typing import Any

import transaction
import zope.sqlalchemy
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.orm import declarative_base, relationship, scoped_session, sessionmaker
from tg import (
    FullStackApplicationConfigurator,
    TGController,
    expose,
    require,
    session,
)
from tg.configuration.auth import TGAuthMetadata
from tg.i18n import ugettext
from tg.predicates import has_permission

from tgext.socketio import SocketIOController, SocketIOTGNamespace

DBSession = scoped_session(sessionmaker(autoflush=True))
zope.sqlalchemy.register(DBSession)
Base = declarative_base()


def pairs(name: str, left: str, right: str) -> Table:
    """A table that connects two others."""
    columns = [
        Column(f"{each}_id", Integer, ForeignKey(f"{each}.id"), primary_key=True)
        for each in (left, right)
    ]
    return Table(name, Base.metadata, *columns)


class Permission(Base):
    __tablename__ = "permission"
    id = Column(Integer, primary_key=True)
    name = Column(String(63), unique=True)


class Group(Base):
    __tablename__ = "groups"
    id = Column(Integer, primary_key=True)
    name = Column(String(16), unique=True)
    permissions = relationship(
        Permission, secondary=pairs("group_permission", "groups", "permission")
    )


class User(Base):
    __tablename__ = "user"
    id = Column(Integer, primary_key=True)
    name = Column(String(16), unique=True)
    password = Column(String(16))
    groups = relationship(Group, secondary=pairs("user_group", "user", "groups"))


class Model:
    """The part of a model module that TurboGears uses."""

    @staticmethod
    def init_model(engine: Any) -> None:
        DBSession.configure(bind=engine)
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        group = Group(name="managers", permissions=[Permission(name="manage")])
        DBSession.add(User(name="manager", password="managepass", groups=[group]))
        transaction.commit()


class Metadata(TGAuthMetadata):
    """The look-ups of a project of `gearbox quickstart`: three queries an event."""

    def authenticate(self, environ: dict[str, Any], identity: dict[str, Any]) -> Any:
        user = self.get_user(identity, identity["login"])
        known = user is not None and user.password == identity["password"]
        return identity["login"] if known else None

    def get_user(self, identity: dict[str, Any], userid: str) -> Any:
        return DBSession.query(User).filter_by(name=userid).first()

    def get_groups(self, identity: dict[str, Any], userid: str) -> list[str]:
        return [group.name for group in identity["user"].groups]

    def get_permissions(self, identity: dict[str, Any], userid: str) -> list[str]:
        groups = identity["user"].groups
        return [each.name for group in groups for each in group.permissions]


class Bench(SocketIOTGNamespace):
    def on_echo(self, data: Any) -> Any:
        self.emit("echoed", data)
        return data


class Guarded(Bench):
    @require(has_permission("manage"))
    def on_echo(self, data: Any) -> Any:
        return super().on_echo(data)


class Remembering(Bench):
    """It reads the browser's session."""

    def on_echo(self, data: Any) -> Any:
        assert session["colour"] == "blue"
        return super().on_echo(data)


class Querying(Bench):
    """It reads from the database."""

    def on_echo(self, data: Any) -> Any:
        assert DBSession.get(Permission, 1).name == "manage"
        return super().on_echo(data)


class Translating(Bench):
    def on_echo(self, data: Any) -> Any:
        assert str(ugettext("welcome")) == "welcome"
        return super().on_echo(data)


class Sockets(SocketIOController):
    bench = Bench
    guarded = Guarded
    remembering = Remembering
    querying = Querying
    translating = Translating


class RootController(TGController):
    socketio = Sockets()

    @expose(content_type="text/plain")
    def welcome(self, **came_from: str) -> str:
        """The page after the login. It begins the browser's session."""
        session["colour"] = "blue"
        session.save()
        return "welcome"


def make_app(global_config: dict[str, str], **settings: str) -> Any:
    """The application factory that full_stack.ini names."""
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {
            "package": sys.modules[__name__],
            "root_controller": RootController(),
            "renderers": ["json"],
            "default_renderer": "json",
            "use_sqlalchemy": True,
            "model": Model,
            "DBSession": DBSession,
            "sa_auth.enabled": True,
            "sa_auth.authmetadata": Metadata(),
            "sa_auth.post_login_url": "/welcome",
        }
    )
    return configurator.make_wsgi_app(global_config, settings)
