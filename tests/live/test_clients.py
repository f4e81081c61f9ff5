"""Real clients of all generations, over every transport, against a real server.

``clients/scenarios.js`` has the scenarios; here are the results that are expected.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .nodes import CONNECTIONS, player, run, transport_name
from .serving import Server

#: Restated from fixtureapps/lab.py, which is imported in the server's process only.
GREETING = "grüße ☃ 漢字 😀 a\u2028b <!--<script>"

#: What scenarios.js sends.
SENT = "héllo über šč ☃ 漢字 😀 line\u2028separator"


def spelled(content: bytes) -> dict[str, str]:
    """Bytes in the form in which scenarios.js reports them."""
    return {"bytes": content.hex()}


KEY = b"\x00\xff"
EVERY_BYTE = bytes(range(256))

#: What a client sees of bytes: in events and acks, from either side.
BYTES_SEEN: dict[str, Any] = {
    "bytes": {
        "sent": spelled(EVERY_BYTE),
        "reversed": [spelled(EVERY_BYTE[::-1])],
        "none": [spelled(b"")],
    },
    "bytes_nested": {
        "ack": [3, {"content": spelled(b"cba")}],
        "event": [
            spelled(b"\xff\x00"),
            {
                "label": "fragile",
                "inner": [
                    {"content": spelled(b"abc")},
                    None,
                    [{"stamp": spelled(b"\xff\x00")}],
                ],
            },
        ],
    },
    "bytes_in_client_ack": {"key": spelled(KEY), "fetched": [spelled(b"cba"), True]},
    "bytes_many": {"equal": True},
}


class Connection(NamedTuple):
    """One client over one transport, and its results of the usual scenarios."""

    client: str
    transport: str
    seen: dict[str, Any]
    play: Callable[..., dict[str, Any]]

    @property
    def transport_name(self) -> str:
        return transport_name(self.client, self.transport)

    @property
    def generation(self) -> str:
        if self.client in ("1", "2"):
            return "middle"
        return "old" if self.client == "0.9" else "new"

    def choose(self, **by_generation: Any) -> Any:
        """What differs between the generations: ``choose(old=…, middle=…, new=…)``.

        What they have in common may be given once: ``others=…``.
        """
        return by_generation.get(self.generation, by_generation.get("others"))


@pytest.fixture(scope="module", params=CONNECTIONS, ids="-".join)
def connection(
    request: pytest.FixtureRequest, lab: Server, node_clients: Path
) -> Connection:
    client, transport = request.param
    play = player(node_clients, lab.url, client, transport)
    return Connection(client, transport, play(), play)


def test_connects_over_the_transport_that_was_asked_for(connection: Connection) -> None:
    assert connection.seen["connect"] == {"transport": connection.transport_name}


def test_the_clients_have_the_dependencies_that_were_published_with_them(
    node_clients: Path,
) -> None:
    """The ``ws`` of 0.9 sends the server's host and port as its origin."""
    folder = node_clients / "node_modules" / "socket.io-client-0.9" / "node_modules"
    for name, expected in {"ws": "0.4.", "xmlhttprequest": "1.4.2"}.items():
        manifest = json.loads((folder / name / "package.json").read_text())
        assert manifest["version"].startswith(expected)


def test_ping_is_answered(connection: Connection) -> None:
    assert connection.seen["ping"] == {"sound": {"sound": "pong"}}


def test_ten_answers_arrive_in_order(connection: Connection) -> None:
    assert connection.seen["fireball"] == {"sounds": ["bang!"] * 10 + ["pong"]}


def test_what_was_missed_is_resumed(connection: Connection) -> None:
    assert connection.seen["history"] == {
        "subscribed": True,
        "rewound": [2, 3],
        "complete": True,
        "missed": [4, 5],
        "live": [6],
    }


def test_large_answers_arrive(connection: Connection) -> None:
    assert connection.seen["large"] == {"equal": [True] * 3}


def test_a_client_is_greeted_with_more_than_a_megabyte(
    connection: Connection,
) -> None:
    seen = connection.play("greeted")["greeted"]
    assert seen == {"sizes": [400_000] * 3, "answer": [5]}


#: Clients 0.9 have no bytes. Over polling, clients before 4.x put all attachments into
#: one POST, which is too large.
LARGE_BYTES = [
    each
    for each in CONNECTIONS
    if each[0] == "4" or (each[0] != "0.9" and each[1] == "websocket")
]


@pytest.mark.parametrize(("client", "transport"), LARGE_BYTES)
def test_attachments_are_larger_than_a_message_together(
    client: str, transport: str, lab: Server, node_clients: Path
) -> None:
    play = player(node_clients, lab.url, client, transport)
    seen = play("bytes_large")["bytes_large"]
    assert seen == {"equal": [True] * 3, "answer": [5]}


def test_streams_of_npm_s_library(lab: Server, node_clients: Path) -> None:
    """Its events are called ``$stream``; an ``error`` event would end the process."""
    seen = run(node_clients, "streams.js", url=lab.url)
    assert seen == {"args": ["parcel", "label"], "sum": 5}


def test_a_post_that_is_too_large_is_an_error_of_the_transport(
    connection: Connection,
) -> None:
    """As with the reference server; over a WebSocket the connection is closed."""
    seen = connection.play("too_large")["too_large"]
    if connection.client != "0.9":
        error = connection.transport == "polling"
        assert seen["reason"] == ("transport error" if error else "transport close")
    assert seen["answer"] == [5]


def test_a_validator_chooses_the_attack(connection: Connection) -> None:
    assert connection.seen["auto"]["sounds"] in (["pong"], ["bang!"] * 10)


def test_a_validator_refuses_the_attack(connection: Connection) -> None:
    error = ["invalid_method_args", {"attack": "Got an error!"}]
    assert connection.seen["got_an_error"] == {"error": error}


def test_a_return_value_is_the_ack(connection: Connection) -> None:
    assert connection.seen["server_acks"] == {
        "one": [5],
        "several": [3, 1],
        "object": [{"got": {"name": "lab", "parts": [1, "two", None]}}],
    }


def test_the_client_acks_what_the_server_asked(connection: Connection) -> None:
    assert connection.seen["client_acks"] == {
        "question": "colour",
        "answered": ["blue", 42],
    }


def test_a_handler_may_wait_for_an_ack(connection: Connection) -> None:
    assert connection.seen["server_waits_for_ack"] == {
        "question": "colour",
        "answered": ["red"],
    }


def test_a_handler_may_call_the_client_as_a_function(connection: Connection) -> None:
    # No answer, one, or several: what `call` returned is the ack of the event.
    returned = [["colour", None], ["colour", "green"], ["colour", "green", 7]]
    assert connection.seen["server_calls"] == {"returned": returned}


def test_a_handler_calls_in_vain_for_a_while(connection: Connection) -> None:
    assert connection.seen["server_calls_in_vain"] == {
        "consulted": ["AckTimeout"],
        "afterwards": [2],
    }


def test_a_callback_is_told_of_a_timeout_once(connection: Connection) -> None:
    assert connection.seen["callback_times_out"] == {
        "told": ["AckTimeout"],
        "afterwards": [2],
        "again": False,
    }


def test_a_callback_with_a_timeout_gets_an_answer(connection: Connection) -> None:
    assert connection.seen["callback_in_time"] == {"told": ["early"]}


def test_a_validation_error_names_the_field(connection: Connection) -> None:
    assert connection.seen["validation"] == {
        "error": ["invalid_method_args", {"number": "Must be a number"}],
        "afterwards": [8],
    }


def test_wrong_numbers_of_arguments_are_refused(connection: Connection) -> None:
    assert connection.seen["wrong_arguments"] == {
        "errors": ["invalid_method_args"] * 3,
        "afterwards": [2],
    }


def test_access_is_denied(connection: Connection) -> None:
    message = 'You do not have access to method "on_secret"'
    assert connection.seen["access_denied"] == {
        "error": ["method_access_denied", message],
        "afterwards": [2],
    }


def test_an_unknown_event_is_refused(connection: Connection) -> None:
    assert connection.seen["unknown_event"] == {
        "error": ["no_such_method", 'The method "on_nonsense" was not found'],
        "afterwards": [2],
    }


def test_a_raising_handler_tells_no_details(connection: Connection) -> None:
    seen = connection.seen["internal_error"]
    assert seen["error"][0] == "internal_error"
    assert "swordfish" not in json.dumps(seen)
    assert seen["afterwards"] == [2]


def test_an_ack_tells_a_failure_apart(connection: Connection) -> None:
    failed = {
        "raised": ("internal_error", "Internal server error"),
        "exits": ("internal_error", "Internal server error"),
        "unknown": ("no_such_method", 'The method "on_nonsense" was not found'),
        "invalid": ("invalid_method_args", {"number": "Must be a number"}),
        "denied": (
            "method_access_denied",
            'You do not have access to method "on_secret"',
        ),
    }
    assert connection.seen["failed_acks"] == {
        "afterwards": [2],
        **{
            each: connection.choose(
                old=[None], others=[{"error": {"name": name, "info": info}}]
            )
            for each, (name, info) in failed.items()
        },
    }


def test_a_handler_that_ran_out_of_time_ends_nothing(connection: Connection) -> None:
    seen = connection.seen["timeout_in_handler"]
    assert seen["error"][0] == "internal_error"
    assert seen["afterwards"] == [2]


def test_a_namespace_refuses_the_anonymous(connection: Connection) -> None:
    outcome = connection.choose(
        old=["refused", "unauthorized"],
        middle=["error", "Members only"],
        new=["refused", "Members only"],
    )
    assert connection.seen["refused"] == {"outcome": outcome}


def test_a_namespace_turns_clients_away_as_it_greets_them(
    connection: Connection,
) -> None:
    # Clients 1.x and 2.x get a single value; the data has precedence over the message.
    outcome = connection.choose(
        old=["refused", "unauthorized"],
        middle=["error", {"say": "friend"}],
        new=["refused", "who are you?", {"say": "friend"}],
    )
    turned_away = {"outcome": outcome, "connected": False}
    assert connection.seen["turned_away"] == turned_away


def test_who_is_not_admitted_hears_no_secret(connection: Connection) -> None:
    assert connection.seen["kept_out"] == {
        "outcome": connection.choose(middle="error", others="refused"),
        "secrets": ["everybody", "staff", "every socket"] * 3,
        "leaked": [],
    }


def test_what_is_emitted_while_away_is_handled(connection: Connection) -> None:
    seen = {"counted": [1, 2, 3], "errors": False}
    assert connection.seen["emits_while_away"] == seen


def test_a_query_string_reaches_the_namespace(connection: Connection) -> None:
    # Clients 1.x and 2.x send it twice: to the connection, and to the namespace.
    twice = connection.choose(middle=2, others=1)
    known = {"token": ["se same"] * twice, "level": ["3"] * twice}
    assert connection.seen["query"] == {"known": [known]}


def test_namespaces_of_a_connection_have_their_own_queries(
    connection: Connection,
) -> None:
    if connection.generation == "middle":
        assert connection.seen["queries"] == {
            "first": [{"token": ["first", "first"]}],
            "beside": [{"token": ["first", "beside"]}],
        }


def test_the_auth_payload_lets_a_client_in(connection: Connection) -> None:
    let_in = connection.choose(
        old={"outcome": "refused", "welcome": False},
        middle={"outcome": "error", "welcome": False},
        new={"outcome": "connect", "welcome": ["come in"]},
    )
    assert connection.seen["let_in"] == let_in


def test_the_auth_payload_stays_known(connection: Connection) -> None:
    auth = connection.choose(new={"token": "sesame", "level": 3}, others=None)
    assert connection.seen["auth"] == {"with_it": [auth], "without": [None]}


def test_who_has_identified_gets_in(connection: Connection) -> None:
    seen = connection.play("member", "access_granted", cookie="user=gandalf")
    assert seen == {
        "member": {"name": ["gandalf"]},
        "access_granted": {"secret": ["speak, friend, and enter"]},
    }


def test_identified_as_somebody_else_is_still_denied(connection: Connection) -> None:
    seen = connection.play("access_denied", cookie="user=saruman")
    assert seen["access_denied"]["error"][0] == "method_access_denied"


def test_a_namespace_that_is_not_mounted(connection: Connection) -> None:
    expected = connection.choose(
        old=["error", "no_such_namespace"],
        middle=["error", "Invalid namespace"],
        new=["refused", "Invalid namespace"],
    )
    assert connection.seen["not_mounted"]["outcome"][:2] == expected


def test_the_main_namespace_connects_unmounted(connection: Connection) -> None:
    assert connection.seen["no_namespace"]["error"][0] == "no_such_namespace"


def test_the_server_hears_a_client_leave(connection: Connection) -> None:
    seen = connection.seen["client_disconnects"]
    assert seen["left"] == [True]
    assert seen["told"] == connection.choose(old=[], others=["io client disconnect"])


def test_the_server_hears_a_connection_close(connection: Connection) -> None:
    assert connection.seen["client_closes"] == {"left": [True]}


def test_the_client_hears_the_server_leave(connection: Connection) -> None:
    # The 0.9 client reports a reason, but its packet has none.
    told = connection.choose(old=[None], others=["io server disconnect"])
    assert connection.seen["server_disconnects"] == {"told": told}


def test_a_client_comes_back_to_a_server_that_let_it_go(
    connection: Connection,
) -> None:
    """As to gevent-socketio. New clients do not when they are told."""
    told = connection.choose(old=["comes_back_told", "comes_back_kicked"], others=[])
    seen = connection.play("comes_back", *told)
    assert [each["answer"] for each in seen.values()] == [[5]] * (1 + len(told))
    if connection.transport == "websocket":
        assert not any(each["errors"] for each in seen.values())


@pytest.mark.cites("Real clients, Payloads 1", "Real clients, Payloads 2")
def test_unicode_arrives_whole(connection: Connection) -> None:
    assert connection.seen["unicode"] == {
        "greeting": [GREETING],
        "sent": SENT,
        "reported": [SENT, [ord(character) for character in SENT]],
    }


def test_an_event_may_be_named_by_a_number(connection: Connection) -> None:
    info = "name must only contains alpha numerical characters"
    seen = connection.seen["number_for_a_name"]
    assert seen == {"error": ["unallowed_event_name", info], "sum": [5]}


def test_a_client_has_an_id_and_answers_with_all(connection: Connection) -> None:
    assert connection.seen["survey"] == {
        "question": "colour",
        # Clients before 3.x take the session id for theirs.
        "known": connection.choose(new=True, others=False),
        "answer": ["blue", [7]],
        "missing": [],
        "rooms": [["asked"]],
    }


def test_a_namespace_may_have_any_name(connection: Connection) -> None:
    seen = connection.seen["beyond_ascii"]
    assert seen == {"sum": [5], "greeting": [GREETING]}


def test_many_events_stay_in_order(connection: Connection) -> None:
    assert connection.seen["many"] == {
        "numbers": list(range(200)),
        "transport": connection.transport_name,
    }


def test_a_message_arrives_as_the_event_message(connection: Connection) -> None:
    assert connection.seen["message"] == {"message": ["hello"]}


def test_a_message_reaches_recv_message(connection: Connection) -> None:
    assert connection.seen["client_sends"] == {"received": ["hello"]}


@pytest.mark.cites("Real clients, Payloads 4")
def test_bytes_travel_both_ways(connection: Connection) -> None:
    if connection.client != "0.9":
        assert {name: connection.seen[name] for name in BYTES_SEEN} == BYTES_SEEN


def test_a_client_that_takes_no_bytes_lives_on(connection: Connection) -> None:
    if connection.client == "0.9":
        seen = connection.seen["bytes_refused"]
        assert seen["error"][0] == "internal_error"
        assert seen["afterwards"] == [2]


def test_a_broadcast_reaches_everybody_or_the_others(connection: Connection) -> None:
    assert connection.seen["broadcast"] == {
        "speaker": ["to all", "to all again"],
        "listener": ["to all", "to others", "to all again"],
    }


def test_a_room_is_heard_in_the_room(connection: Connection) -> None:
    assert connection.seen["rooms"] == {
        "heard": ["dinner", "the end"],
        "speaker": ["the end"],
        "outsider": ["the end"],
    }
