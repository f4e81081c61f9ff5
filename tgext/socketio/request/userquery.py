"""One query for the user of an event, with what is read of the user's relationships.

``TGAuthMetadata`` of a project as ``gearbox quickstart`` makes it queries for the user,
and SQLAlchemy loads the user's groups and their permissions when they are read: three
queries or more. What a look-up has loaded so is joined to the query of the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..engine.logs import get_logger
from .preparedquery import Statements, write_down

log = get_logger(__name__)

#: Where a database session has the look-up that runs in it.
_KEY = "tgext.socketio.userquery"


class UserQuery:
    """An application's ``TGAuthMetadata`` that joins what it loads one by one.

    :param provider: the application's own.
    :param session: its ``scoped_session``.
    """

    def __init__(self, provider: Any, session: Any) -> None:
        from sqlalchemy.exc import InvalidRequestError

        self._provider = provider
        self._session = session
        #: What was loaded, by what was asked for.
        self._loaded = {name: _Relationships() for name in ("groups", "permissions")}
        self._nothing = _Relationships()
        self._joins = True
        self._not_joined = InvalidRequestError

    def get_user(self, identity: Any, userid: Any) -> Any:
        """Look up the user, and what was loaded the last time that it was asked for."""
        read = self._read_of(identity.pending)
        try:
            return self._get_user(_Joining(read), identity, userid)
        except self._not_joined as error:
            if read is self._nothing:
                raise
            # Queries of SQLAlchemy's newer form can demand `unique()` of joined rows.
            self._joins = False
            log.info(
                "The users' groups are not joined to the query for them: %s", error
            )
            return self._provider.get_user(identity, userid)

    def _get_user(self, joining: _Joining, identity: Any, userid: Any) -> Any:
        session = self._session()
        info = session.info
        outer = info.get(_KEY)
        info[_KEY] = joining
        end = write_down(session, joining.take)
        try:
            return self._provider.get_user(identity, userid)
        finally:
            end()
            info[_KEY] = outer

    def get_groups(self, identity: Any, userid: Any) -> Any:
        """Ask for the names of the user's groups."""
        return self._learn("groups", self._provider.get_groups, identity, userid)

    def get_permissions(self, identity: Any, userid: Any) -> Any:
        """Ask for the names of the user's permissions."""
        ask = self._provider.get_permissions
        return self._learn("permissions", ask, identity, userid)

    def _learn(
        self, name: str, ask: Callable[..., Any], identity: Any, userid: Any
    ) -> Any:
        if not self._joins:
            return ask(identity, userid)
        info = self._session().info
        outer = info.get(_KEY)
        info[_KEY] = self._loaded[name].note
        try:
            return ask(identity, userid)
        finally:
            info[_KEY] = outer

    def _read_of(self, pending: Collection[str]) -> _Relationships:
        """What will be read of the user, if it is to be joined."""
        for name, loaded in self._loaded.items():
            if name in pending and self._joins:
                return loaded
        return self._nothing


class _Relationships:
    """Relationships that were loaded one by one."""

    def __init__(self) -> None:
        self.attributes: list[Any] = []
        self._options: dict[Any, list[Any]] = {}
        #: The statements that load a user and them.
        self.statements = Statements(self.options)

    def note(self, state: Any) -> None:
        """Note the relationship that a query loads, if it loads one."""
        if state.lazy_loaded_from is None:
            return
        path = state.loader_strategy_path.path
        attribute = path[-1].class_attribute if len(path) >= 2 else None
        if attribute is not None and not any(
            each is attribute for each in self.attributes
        ):
            self.attributes.append(attribute)
            self._options.clear()
            self.statements.forget()

    def options(self, mapper: Any) -> list[Any]:
        """The options that join them to a query for a class."""
        if mapper not in self._options:
            self._options[mapper] = _chains(mapper, self.attributes)
        return self._options[mapper]


class _Joining:
    """Joins relationships to the query for the user, the first one that runs."""

    def __init__(self, relationships: _Relationships) -> None:
        self._relationships = relationships
        self._done = False

    def __call__(self, state: Any) -> None:
        if self._done or not state.is_select or state.bind_mapper is None:
            return
        self._done = True
        options = self._relationships.options(state.bind_mapper)
        if options:
            state.statement = state.statement.options(*options)

    def take(self) -> Statements | None:
        """The statements that have them joined, for the first query."""
        if self._done:
            return None
        self._done = True
        return self._relationships.statements


def _chains(mapper: Any, relationships: list[Any]) -> list[Any]:
    """Options that join relationships to a query for a class, one after the other."""
    from sqlalchemy.orm import joinedload

    options, waiting = [], list(relationships)
    chains: list[tuple[Any, Any]] = [(mapper, None)]
    while chains:
        below, chain = chains.pop()
        found = [each for each in waiting if below.isa(each.property.parent)]
        waiting = [each for each in waiting if not below.isa(each.property.parent)]
        for each in found:
            longer = joinedload(each) if chain is None else chain.joinedload(each)
            chains.append((each.property.mapper, longer))
        if not found and chain is not None:
            options.append(chain)
    return options


def _ask_watch(state: Any) -> None:
    watch = state.session.info.get(_KEY)
    if watch is not None:
        watch(state)


def with_one_query(provider: Any, config: Mapping[str, Any]) -> Any:
    """An application's ``TGAuthMetadata``, with one query where the ORM allows it.

    :returns: `provider` itself in an application without SQLAlchemy.
    """
    session = config.get("SQLASession") or config.get("DBSession")
    if not config.get("use_sqlalchemy") or session is None:
        return provider
    try:
        from sqlalchemy import event
        from sqlalchemy.exc import InvalidRequestError

        event.listen(session, "do_orm_execute", _ask_watch)
    except (ImportError, InvalidRequestError):  # it is older, or something else
        return provider
    return UserQuery(provider, session)
