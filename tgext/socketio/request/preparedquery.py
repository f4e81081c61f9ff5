"""The query for a user, with a statement that is made once.

``session.query(User).filter_by(user_name=userid).first()`` takes SQLAlchemy longer to
build, and to find among the compiled statements, than to run. Here such a query is
written down only, and the kept statement runs in its place. The database is asked for
each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

#: Values of other types can change the statement: ``None`` makes it ``IS NULL``.
_PLAIN: Final = (str, int)

#: Classes of these packages compare columns as SQLAlchemy does.
_NOT_CUSTOM: Final = ("sqlalchemy", "builtins", "typing")


class Statements:
    """The statements that load the first object of a class, by what they filter by.

    :param options: the loader options of the statements, by the mapper of the class.
    """

    def __init__(self, options: Callable[[Any], Sequence[Any]]) -> None:
        self._options = options
        self._made: dict[Any, Any] = {}

    def find(self, entity: type, values: Mapping[str, Any]) -> Any:
        """The statement; the values are its parameters.

        :returns: None when the values, or how the class compares them, would make
            another statement each time.
        """
        key = (entity, *[(name, type(value)) for name, value in values.items()])
        made = self._made.get(key, self)
        if made is self:
            made = self._made[key] = self._make(entity, values)
        return made

    def forget(self) -> None:
        """Make them anew, with other options."""
        self._made.clear()

    def _make(self, entity: type, values: Mapping[str, Any]) -> Any:
        from sqlalchemy import inspect, select

        mapper: Any = inspect(entity, raiseerr=False)
        if not values or not getattr(mapper, "is_mapper", False):
            return None
        criteria = [_criterion(mapper, *each) for each in values.items()]
        if any(each is None for each in criteria):
            return None
        statement: Any = select(entity).where(*criteria).options(*self._options(mapper))
        # With a limit, what is joined takes a query around the query.
        return statement if _is_unique(mapper, values) else statement.limit(1)


def _criterion(mapper: Any, name: str, value: Any) -> Any:
    """That a column has the value of a parameter; None for what is not a column."""
    from sqlalchemy import bindparam
    from sqlalchemy.orm import ColumnProperty
    from sqlalchemy.sql.elements import BindParameter

    attribute: Any = getattr(mapper.class_, name, None)
    own = mapper.column_attrs.get(name)
    if type(value) not in _PLAIN or own is None or type(own) is not ColumnProperty:
        return None
    comparators = (type(attribute.comparator), own.columns[0].type.comparator_factory)
    if any(_is_custom(each) for each in comparators):
        return None
    compared = attribute == value
    parameter = getattr(compared, "right", None)
    if not isinstance(parameter, BindParameter):
        return None
    return attribute == bindparam(name, type_=parameter.type)


def _is_unique(mapper: Any, names: Iterable[str]) -> bool:
    """Whether at most one row has these values."""
    from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

    columns = {mapper.column_attrs[name].columns[0] for name in names}
    if any(each.unique for each in columns):
        return True
    keys = getattr(mapper.local_table, "constraints", ())
    return any(
        isinstance(each, (PrimaryKeyConstraint, UniqueConstraint))
        and columns.issuperset(each.columns)
        and len(each.columns) > 0
        for each in keys
    )


def _is_custom(comparator: Any) -> bool:
    roots = (each.__module__.partition(".")[0] for each in comparator.__mro__)
    return any(each not in _NOT_CUSTOM for each in roots)


class WrittenDown:
    """A ``Query`` that is made when anything but ``filter_by().first()`` is wanted.

    :param make: makes the query that is meant.
    :param entity: the class that is queried for.
    :param session: the database session.
    :param take: gives the statements if they may be used now; otherwise None.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        entity: type,
        session: Any,
        take: Callable[[], Statements | None],
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self._make = make
        self._entity = entity
        self._session = session
        self._take = take
        self._values = values

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        from sqlalchemy.orm import Query

        return Query

    def filter_by(self, **values: Any) -> Any:
        """The query with a filter."""
        if self._values is not None:
            return self._make().filter_by(**values)

        def make() -> Any:
            return self._make().filter_by(**values)

        return WrittenDown(make, self._entity, self._session, self._take, values)

    def first(self) -> Any:
        """The first object of the query; None when there is none."""
        statements = self._take() if self._values else None
        if statements is None or self._values is None:
            return self._make().first()
        statement = statements.find(self._entity, self._values)
        if statement is None:
            return self._make().first()
        # `unique` for what is joined, also by the model itself.
        return self._session.execute(statement, self._values).scalars().unique().first()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._make())

    def __getitem__(self, item: Any) -> Any:
        return self._make()[item]

    def __str__(self) -> str:
        return str(self._make())


def write_down(
    session: Any, take: Callable[[], Statements | None]
) -> Callable[[], None]:
    """Write the queries of a database session down, instead of making them at once.

    :param take: gives the statements if they may be used; otherwise None.
    :returns: ends it.
    """
    from sqlalchemy.orm import Query

    used: Any = getattr(session, "_query_cls", None)
    if used is not Query or _are_changed():
        return _nothing

    def query(entities: Sequence[Any], owner: Any = None, **options: Any) -> Any:
        def make() -> Any:
            return Query(entities, owner, **options)

        if options or len(entities) != 1 or not isinstance(entities[0], type):
            return make()
        return WrittenDown(make, entities[0], owner, take)

    def end() -> None:
        session._query_cls = Query

    session._query_cls = query
    return end


def _nothing() -> None:
    pass


@cache
def _any_query() -> Any:
    from sqlalchemy.orm import Query

    return Query([])


def _are_changed() -> bool:
    """Whether the application listens to queries that are made, to change them."""
    return bool(_any_query().dispatch.before_compile)
