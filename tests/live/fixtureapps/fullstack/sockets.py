"""The events of the application."""

from __future__ import annotations

import random
from typing import Any

import gevent
import tg
import transaction
from gevent.event import Event
from sqlalchemy import text
from tg import predicates, require, validate
from tg.i18n import lazy_ugettext as l_
from tg.i18n import ugettext
from tg.render import render
from tg.validation import Convert
from transaction.interfaces import TransientError

from fullstack.model import DBSession, Note, Visit
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import RoomsMixin


def user_name() -> str | None:
    identity = tg.request.identity
    return identity and identity["user"].user_name


def add_note(content: str) -> None:
    DBSession.add(Note(author=user_name(), text=content))


#: What `on_write_and_wait` waits for.
gate = Event()

#: Those who have counted the notes in `on_count_up`.
readers: list[Any] = []
both_have_read = Event()


def nap() -> None:
    gevent.sleep(random.uniform(0, 0.002))


class Notes(RoomsMixin, SocketIOTGNamespace):
    attempts = 0

    def on_echo(self, content: Any) -> Any:
        return content

    def on_who(self) -> str | None:
        return user_name()

    @require(predicates.has_permission("manage"))
    def on_manage(self) -> str:
        return "managed"

    # Transactions

    def on_write(self, content: str) -> None:
        add_note(content)

    def on_write_slowly(self, content: str) -> None:
        """Other greenlets run before, between and after its steps."""
        nap()
        author = user_name()
        nap()
        DBSession.add(Note(author=author, text=content))
        nap()

    def on_write_and_fail(self, content: str) -> None:
        self.tell(content)
        DBSession.flush()
        raise RuntimeError("the password is swordfish")

    def on_write_and_doom(self, content: str) -> None:
        self.tell(content)
        DBSession.flush()
        transaction.doom()

    def on_write_and_tell(self, content: str) -> None:
        self.tell(content)

    def tell(self, content: str) -> None:
        add_note(content)
        self.emit("at once", content)
        self.emit_on_commit("on commit", content)

    def on_write_and_wait(self, content: str) -> None:
        """Its transaction goes on until a page is visited."""
        gate.clear()
        self.tell(content)
        gate.wait()

    def on_write_at_last(self, content: str) -> int:
        self.attempts += 1
        self.tell(content)
        DBSession.flush()
        if self.attempts < 3:
            raise TransientError
        return self.attempts

    def on_count(self) -> int:
        return DBSession.query(Note).count()

    def on_count_up(self) -> tuple[int, int]:
        """Adds a note with the number of notes; two clients do it at the same time."""
        self.attempts += 1
        value = self.on_count() + 1
        readers.append(self)
        if len(readers) == 2:
            both_have_read.set()
        both_have_read.wait()
        add_note(str(value))
        return value, self.attempts

    def on_read(self) -> Note:
        return DBSession.query(Note).one()

    def on_count_in_a_job(self) -> None:
        self.spawn(lambda: self.emit("counted", self.on_count()))

    def on_job(self, name: str, *args: Any) -> None:
        """A job that calls the method of an event, and emits what it returns."""
        self.spawn(lambda: self.emit("done", getattr(self, name)(*args)))

    def on_part(self, name: str, *args: Any) -> None:
        """Like ``on_job``, as an event."""
        self.spawn(
            lambda: self.emit("done", self.run_in_app(getattr(self, name), *args))
        )

    def look(self, content: str) -> list[Any]:
        """What an application shows a user."""
        cache = tg.cache.get_cache("jobs")
        cached = cache.get_value(content, createfunc=lambda: f"made of {content}")
        return [tg.url("/notes"), str(ugettext("Must be a number")), cached]

    def on_sleep_in_the_database(self, seconds: float) -> str:
        DBSession.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
        return "slept"

    # Validation, languages, templates

    @validate({"age": Convert(int, l_("Must be a number"))})
    def on_age(self, age: int) -> int:
        return age

    def on_observed(self, noted: str) -> str:
        return noted

    def on_render(self, content: str, template: str = "note") -> str:
        name = f"fullstack.templates.{template}"
        return str(render({"content": content}, "kajiki", name, is_fragment=True))

    def on_cached(self, content: str) -> str:
        cache = tg.cache.get_cache("notes")
        return str(cache.get_value("first", createfunc=lambda: content))

    # Sessions

    def on_recall(self, name: str) -> Any:
        return tg.session.get(name)

    def on_remember(self, name: str, value: Any) -> None:
        tg.session[name] = value
        tg.session.save()

    def on_remember_here(self, name: str, value: Any) -> dict[str, Any]:
        self.session[name] = value
        return {name: self.session[name] for name in self.session if name != "rooms"}

    def on_enter(self, room: str) -> None:
        self.join(room)


class Members(SocketIOTGNamespace):
    allow_only = predicates.not_anonymous("Members only")

    def on_who(self) -> str | None:
        return user_name()


class SocketIO(SocketIOController):
    allow_only = require(
        predicates.Not(predicates.in_group("banned"), msg="You are banned")
    )
    notes = Notes
    members = Members

    def _before(self, *args: Any, **kwargs: Any) -> None:
        """What the request that opens a connection does to the database."""
        DBSession.add(Visit(user_name=user_name()))
        DBSession.flush()
