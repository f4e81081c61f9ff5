"""A support queue: customers ask on one page, agents answer on another.

From the repository's root::

    gearbox serve -c examples/support.ini

and open http://127.0.0.1:8080/ as a customer, and http://127.0.0.1:8080/desk in another
browser as the agent ``ada``, ``ben`` or ``cleo``, with the password ``sesame``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import tg
from sqlalchemy import select, update
from tg import FullStackApplicationConfigurator, TGController, expose, require, validate
from tg.predicates import not_anonymous
from tg.validation import Convert

from examples import support_model
from examples.chat import Text
from examples.pages import CLIENTS, Pages
from examples.support_model import Agents, DBSession, Line, Ticket, shown, shown_line
from tgext.socketio import SocketIOController, SocketIOTGNamespace, rate_limit
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.presence import PresenceMixin

PAGE = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))


def me() -> str:
    name: str = tg.request.identity["repoze.who.userid"]
    return name


def announce(number: int, **told: Any) -> None:
    """Tell the agents and the customer of a ticket what is new about it.

    They are told once the transaction has committed, and nothing if it is rolled back.
    """
    told["number"] = number
    SocketIO.namespace("/desk").emit_on_commit("ticket", told)
    SocketIO.namespace("/help").room(number).emit_on_commit("ticket", told)


def add_line(number: int, text: str, agent: str | None = None) -> None:
    line = Line(ticket=number, agent=agent, text=text)
    DBSession.add(line)
    DBSession.flush()
    announce(number, lines=[shown_line(line)])


class Help(SocketIOTGNamespace, RoomsMixin):
    """A customer's connection; ``session['ticket']`` is the number of the ticket."""

    recovery = True

    @rate_limit("5/minute")
    @validate({"name": Text(40), "question": Text(2000)})
    def on_open(self, name: str, question: str) -> str:
        """Return the key, with which the customer comes back to the ticket."""
        ticket = Ticket(customer=name, lines=[Line(text=question)])
        DBSession.add(ticket)
        DBSession.flush()
        announce(**shown(ticket))
        return ticket.key

    def on_return(self, key: str) -> dict[str, Any] | None:
        ticket = DBSession.scalar(select(Ticket).where(Ticket.key == str(key)))
        if ticket is None:
            return None
        self.session["ticket"] = ticket.number
        self.join(ticket.number)
        return shown(ticket)

    @validate({"text": Text(2000)})
    def on_say(self, text: str) -> None:
        add_line(open_ticket(number=self.session.get("ticket")).number, text)


def open_ticket(**wanted: Any) -> Ticket:
    ticket = DBSession.scalar(select(Ticket).filter_by(closed=False, **wanted))
    if ticket is None:
        tg.abort(403, "This ticket is closed, or is not yours")
    return ticket


class Desk(SocketIOTGNamespace, PresenceMixin):
    """An agent's connection."""

    allow_only = not_anonymous()
    recovery = True

    def recv_connect(self) -> None:
        self.track()

    def on_queue(self) -> list[dict[str, Any]]:
        tickets = DBSession.scalars(select(Ticket).filter_by(closed=False))
        return [shown(each) for each in tickets]

    @validate({"number": Convert(int)})
    def on_claim(self, number: int) -> str | None:
        """Return who has the ticket. If two claim it at once, one of them gets it."""
        free = update(Ticket).where(Ticket.number == number, Ticket.agent.is_(None))
        if DBSession.execute(free.values(agent=me())).rowcount:
            announce(number, agent=me())
        return DBSession.scalar(select(Ticket.agent).where(Ticket.number == number))

    @validate({"number": Convert(int), "text": Text(2000)})
    def on_answer(self, number: int, text: str) -> None:
        add_line(open_ticket(number=number, agent=me()).number, text, agent=me())

    @validate({"number": Convert(int)})
    def on_close(self, number: int) -> None:
        open_ticket(number=number, agent=me()).closed = True
        announce(number, closed=True)

    @validate({"agent": Text(40), "text": Text(200)})
    def on_note(self, agent: str, text: str) -> None:
        """A message to another agent."""
        self.user(agent).emit("note", me(), text)


class SocketIO(SocketIOController):
    help = Help
    desk = Desk


START = "gearbox serve -c examples/support.ini client_directory=client"


class RootController(TGController):
    pages = Pages()
    socketio = SocketIO()
    HTML = "text/html; charset=utf-8"

    @expose(content_type=HTML)
    def index(self) -> str:
        here = SocketIO.namespace("/desk").present()
        return page("help", here=", ".join(sorted(here)) or "nobody")

    @expose(content_type=HTML)
    @require(not_anonymous())
    def desk(self) -> str:
        return page("desk", me=me())

    @expose(content_type=HTML)
    def login(self, **params: str) -> str:
        return page("login")

    @expose()
    def logged_in(self, **params: str) -> None:
        """Where the login form leads, whether the password was right or not."""
        tg.redirect("/desk" if tg.request.identity else "/login?failed=1")


def page(view: str, me: str = "", here: str = "") -> str:
    client = CLIENTS["4"].tag(START)
    return PAGE.substitute(client=client, view=view, me=escape(me), here=escape(here))


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    """The application factory of PasteDeploy."""
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "use_sqlalchemy": True,
            "model": support_model,
            "sa_auth.enabled": True,
            "sa_auth.authmetadata": Agents(),
            "sa_auth.post_login_url": "/logged_in",
            "sa_auth.post_logout_url": "/login",
            "serve_static": False,
        }
    )
    return configurator.make_wsgi_app(dict(global_conf), settings)
