"""The database: users, permissions, and what the users wrote."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Column, ForeignKey, Table, event, insert
from sqlalchemy.engine import Engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    mapped_column,
    relationship,
    scoped_session,
    sessionmaker,
)
from zope.sqlalchemy import register

DBSession = scoped_session(sessionmaker(autoflush=True))
register(DBSession)


class Base(DeclarativeBase):
    pass


members = Table(
    "members",
    Base.metadata,
    Column("user_name", ForeignKey("users.user_name"), primary_key=True),
    Column("group_name", ForeignKey("groups.group_name"), primary_key=True),
)

#: What the tests change behind the application's back.
grants = Table(
    "grants",
    Base.metadata,
    Column("group_name", ForeignKey("groups.group_name"), primary_key=True),
    Column(
        "permission_name", ForeignKey("permissions.permission_name"), primary_key=True
    ),
)


class Permission(Base):
    __tablename__ = "permissions"
    permission_name: Mapped[str] = mapped_column(primary_key=True)


class Group(Base):
    __tablename__ = "groups"
    group_name: Mapped[str] = mapped_column(primary_key=True)
    permissions: Mapped[list[Permission]] = relationship(secondary=grants)


class User(Base):
    __tablename__ = "users"
    user_name: Mapped[str] = mapped_column(primary_key=True)
    password: Mapped[str]
    groups: Mapped[list[Group]] = relationship(secondary=members)

    @property
    def permissions(self) -> set[Permission]:
        return {each for group in self.groups for each in group.permissions}

    def validate_password(self, password: str) -> bool:
        return self.password == hashed(password)


class Note(Base):
    """A row that an event wrote."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(ForeignKey("users.user_name"))
    text: Mapped[str]


class Visit(Base):
    """A request that opened a connection."""

    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_name: Mapped[str | None] = mapped_column(ForeignKey("users.user_name"))


def hashed(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def init_model(engine: Engine) -> None:
    """Called by TurboGears with the engine that the configuration describes."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _forgo_durability)
    DBSession.configure(bind=engine)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        if not connection.execute(User.__table__.select()).first():
            populate(connection)


def _forgo_durability(connection: Any, record: Any) -> None:
    """The tests need no durability, and are faster without."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")


#: The password of every user.
PASSWORD = "sesame"

#: A manager, a user who is not a manager, and many further users.
USERS = ["ada", "bob", *(f"user{number}" for number in range(20))]


def populate(connection: Any) -> None:
    password = hashed(PASSWORD)
    users = [{"user_name": name, "password": password} for name in USERS]
    connection.execute(insert(User), users)
    groups = [{"group_name": name} for name in ("managers", "banned")]
    connection.execute(insert(Group), groups)
    connection.execute(insert(Permission), {"permission_name": "manage"})
    connection.execute(insert(members), {"user_name": "ada", "group_name": "managers"})
    grant = {"group_name": "managers", "permission_name": "manage"}
    connection.execute(insert(grants), grant)
