"""The database of the support queue, and who may log in."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from hashlib import scrypt
from typing import Any

from sqlalchemy import ForeignKey, orm, select
from tg.configuration.auth import TGAuthMetadata
from zope.sqlalchemy import register

DBSession = orm.scoped_session(orm.sessionmaker())
register(DBSession)


class Base(orm.DeclarativeBase):
    """Has all tables."""


class Agent(Base):
    __tablename__ = "agents"
    name: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    salt: orm.Mapped[bytes]
    digest: orm.Mapped[bytes]


class Ticket(Base):
    __tablename__ = "tickets"
    number: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    key: orm.Mapped[str] = orm.mapped_column(default=secrets.token_urlsafe, unique=True)
    customer: orm.Mapped[str]
    agent: orm.Mapped[str | None] = orm.mapped_column(ForeignKey("agents.name"))
    closed: orm.Mapped[bool] = orm.mapped_column(default=False)
    lines: orm.Mapped[list[Line]] = orm.relationship(order_by="Line.number")


class Line(Base):
    """What the customer said, or an agent."""

    __tablename__ = "lines"
    number: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    ticket: orm.Mapped[int] = orm.mapped_column(ForeignKey("tickets.number"))
    agent: orm.Mapped[str | None] = orm.mapped_column(ForeignKey("agents.name"))
    text: orm.Mapped[str]
    at: orm.Mapped[float] = orm.mapped_column(default=time.time)


def shown(ticket: Ticket) -> dict[str, Any]:
    """A ticket for the page."""
    names = "number", "customer", "agent", "closed"
    lines = [shown_line(line) for line in ticket.lines]
    return {name: getattr(ticket, name) for name in names} | {"lines": lines}


def shown_line(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("number", "agent", "text", "at")}


def init_model(engine: Any) -> None:
    """Called by TurboGears: make the tables, and the first agents."""
    DBSession.configure(bind=engine)
    with engine.connect() as connection:
        # On SQLite, those who read do not stop those who write.
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session, session.begin():
        if not session.scalar(select(Agent).limit(1)):
            for name in ("ada", "ben", "cleo"):
                salt = secrets.token_bytes(16)
                session.add(Agent(name=name, salt=salt, digest=digest("sesame", salt)))


def digest(password: str, salt: bytes) -> bytes:
    return scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


class Agents(TGAuthMetadata):
    """Who may log in. ``tg.request.identity['user']`` is the agent."""

    def authenticate(self, environ: Any, identity: Mapping[str, Any]) -> str | None:
        agent = self.get_user(identity, identity["login"])
        if agent is None:
            return None
        given = digest(identity["password"], agent.salt)
        return agent.name if hmac.compare_digest(given, agent.digest) else None

    def get_user(self, identity: Any, userid: str) -> Agent | None:
        return DBSession.get(Agent, userid)

    def get_groups(self, identity: Any, userid: str) -> list[str]:
        return []

    get_permissions = get_groups
