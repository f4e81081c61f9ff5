"""The queries for the user of an event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Column, ForeignKey, Integer, String, Table, select
from sqlalchemy.orm import (
    Query,
    declarative_base,
    relationship,
    scoped_session,
    sessionmaker,
)

from tgext.socketio.request.identities import EventIdentity
from tgext.socketio.request.userquery import UserQuery, with_one_query

Base: Any = declarative_base()


def pairs(left: str, right: str) -> Table:
    columns = [
        Column(f"{each}_id", ForeignKey(f"{each}.id"), primary_key=True)
        for each in (left, right)
    ]
    return Table(f"{left}_{right}", Base.metadata, *columns)


class Permission(Base):
    __tablename__ = "permissions"
    id = Column(Integer, primary_key=True)
    name = Column(String(16))


class Group(Base):
    __tablename__ = "groups"
    id = Column(Integer, primary_key=True)
    name = Column(String(16))
    permissions = relationship(Permission, secondary=pairs("groups", "permissions"))


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String(16))
    groups = relationship(Group, secondary=pairs("users", "groups"))


class Database:
    """Ada is in two groups, Bob in none; the queries are counted."""

    def __init__(self) -> None:
        engine = sqlalchemy.create_engine("sqlite://")
        self.session = scoped_session(sessionmaker(engine))
        self.queries: list[str] = []
        sqlalchemy.event.listen(engine, "before_cursor_execute", self._note)
        Base.metadata.create_all(engine)
        names = ("read", "write", "manage")
        read, write, manage = (Permission(name=name) for name in names)
        groups = [
            Group(name="editors", permissions=[read, write]),
            Group(name="managers", permissions=[read, manage]),
        ]
        self.session.add_all([User(name="ada", groups=groups), User(name="bob")])
        self.session.commit()
        self.config = {"use_sqlalchemy": True, "DBSession": self.session}

    def _note(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        self.queries.append(statement)

    def end_event(self) -> None:
        self.session.remove()
        self.queries.clear()


class Users:
    """The look-ups of a project as ``gearbox quickstart`` makes it."""

    def __init__(self, database: Database) -> None:
        self.session = database.session

    def get_user(self, identity: Any, userid: str) -> Any:
        return self.session.query(User).filter_by(name=userid).first()

    def get_groups(self, identity: Any, userid: str) -> list[str]:
        return sorted(each.name for each in identity["user"].groups)

    def get_permissions(self, identity: Any, userid: str) -> list[str]:
        groups = identity["user"].groups
        return sorted({each.name for group in groups for each in group.permissions})


class NewQueries(Users):
    """It queries as SQLAlchemy 2 recommends: joined rows must be made unique."""

    def get_user(self, identity: Any, userid: str) -> Any:
        found = select(User).where(User.name == userid)
        return self.session.execute(found).scalar_one_or_none()


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database()
    yield made
    made.session.remove()


#: What an event reads, and the queries for it: of the first event and of the next.
READ = [
    ("user", 1, 1),
    ("groups", 2, 1),
    ("permissions", 4, 1),
]


@pytest.mark.parametrize(("name", "first", "later"), READ)
@pytest.mark.parametrize("userid", ["ada", "bob"])
def test_what_is_read_of_a_user_takes_one_query(
    database: Database, name: str, first: int, later: int, userid: str
) -> None:
    users = Users(database)
    provider = with_one_query(users, database.config)
    for expected in (first, later, later):
        database.end_event()
        found = EventIdentity({"repoze.who.userid": "ada"}, provider)[name]
        assert len(database.queries) == expected
        own = EventIdentity({"repoze.who.userid": "ada"}, users)[name]
        assert found == own
    database.end_event()
    other = EventIdentity({"repoze.who.userid": userid}, provider)[name]
    assert len(database.queries) == later
    assert other == EventIdentity({"repoze.who.userid": userid}, users)[name]


def test_who_reads_the_user_alone_joins_nothing(database: Database) -> None:
    provider = with_one_query(Users(database), database.config)
    for name in ("permissions", "user"):
        database.end_event()
        EventIdentity({"repoze.who.userid": "ada"}, provider)[name]
    assert "JOIN" not in database.queries[0]


def test_queries_of_the_application_are_not_changed(database: Database) -> None:
    provider = with_one_query(Users(database), database.config)
    EventIdentity({"repoze.who.userid": "ada"}, provider)["permissions"]
    database.end_event()
    assert database.session.query(User).count() == 2
    assert database.session.query(User).filter_by(name="ada").one().groups
    assert not any("LEFT OUTER" in each for each in database.queries)


def test_queries_whose_rows_cannot_be_joined_stay_as_they_are(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    provider = with_one_query(NewQueries(database), database.config)
    with caplog.at_level("INFO", "tgext.socketio"):
        for _ in range(3):
            database.end_event()
            identity = EventIdentity({"repoze.who.userid": "ada"}, provider)
            assert identity["permissions"] == ["manage", "read", "write"]
    assert caplog.text.count("are not joined to the query") == 1
    assert len(database.queries) == 4


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"use_sqlalchemy": True},
        {"use_sqlalchemy": True, "DBSession": object()},
        {"DBSession": scoped_session(sessionmaker())},
    ],
)
def test_without_sqlalchemy_the_application_is_asked_itself(
    config: dict[str, Any],
) -> None:
    provider = object()
    assert with_one_query(provider, config) is provider


def test_with_it_the_application_is_asked_through_it(database: Database) -> None:
    assert isinstance(with_one_query(object(), database.config), UserQuery)


def test_the_query_for_the_user_is_made_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = with_one_query(Users(database), database.config)
    made: list[Any] = []
    filter_by = Query.filter_by

    def note(query: Any, **values: Any) -> Any:
        made.append(query)
        return filter_by(query, **values)

    monkeypatch.setattr(Query, "filter_by", note)
    for name in ("ada", "ada", "bob"):
        database.end_event()
        identity = EventIdentity({"repoze.who.userid": name}, provider)
        assert bool(identity["permissions"]) is (name == "ada")
        assert identity["user"].name == name
    assert len(database.queries) == 1
    assert made == []


def test_a_permission_that_is_taken_away_is_seen_at_once(database: Database) -> None:
    provider = with_one_query(Users(database), database.config)
    for _ in range(3):
        database.end_event()
        identity = EventIdentity({"repoze.who.userid": "ada"}, provider)
        assert "manage" in identity["permissions"]
    managers = database.session.query(Group).filter_by(name="managers").one()
    managers.permissions.clear()
    database.session.commit()
    database.end_event()
    identity = EventIdentity({"repoze.who.userid": "ada"}, provider)
    assert identity["permissions"] == ["read", "write"]
    database.end_event()
    ada = database.session.query(User).filter_by(name="ada").one()
    ada.groups.clear()
    database.session.commit()
    database.end_event()
    identity = EventIdentity({"repoze.who.userid": "ada"}, provider)
    assert identity["permissions"] == []


class TwoQueries(Users):
    """It asks for the user of another one."""

    def get_user(self, identity: Any, userid: str) -> Any:
        found = self.session.query(User).filter_by(name="bob").first()
        assert found is not None
        return self.session.query(User).filter_by(name=userid).first()


def test_a_second_query_for_a_user_is_not_joined(database: Database) -> None:
    provider = with_one_query(TwoQueries(database), database.config)
    for _ in range(2):
        database.end_event()
        identity = EventIdentity({"repoze.who.userid": "ada"}, provider)
        assert identity["permissions"] == ["manage", "read", "write"]
    assert "JOIN" in database.queries[0]
    assert "JOIN" not in database.queries[1]
