"""Packets that a server writes, and does not read as they are."""

from __future__ import annotations

from .shapes import Valid

_FIRST = {"_placeholder": True, "num": 0}
_SECOND = {"_placeholder": True, "num": 1}

SOCKETIO_1_WRITTEN = [
    Valid("no endpoint", "2::", {"type": "heartbeat"}),
    Valid(
        "arguments are a tuple",
        '5:::{"name":"a","args":[1,"b"]}',
        {"type": "event", "endpoint": "", "name": "a", "args": (1, "b")},
    ),
    Valid(
        "the argument is nothing",
        '5:::{"name":"a","args":[null]}',
        {"type": "event", "endpoint": "", "name": "a", "args": None},
    ),
    Valid(
        "id 0",
        '5:0+::{"name":"a"}',
        {"type": "event", "endpoint": "", "id": 0, "ack": "data", "name": "a"},
    ),
    Valid("ack without arguments", "6:::4", {"type": "ack", "ackId": 4}),
    Valid(
        "answer is a tuple",
        "6:::4+[1,null]",
        {"type": "ack", "ackId": 4, "args": (1, None)},
    ),
    Valid("no query", "1::/a", {"type": "connect", "endpoint": "/a"}),
    Valid(
        "reason that the protocol has no number for",
        "7::/a",
        {"type": "error", "endpoint": "/a", "reason": "my own", "advice": "none"},
    ),
    Valid("no advice", "7:::2", {"type": "error", "reason": "unauthorized"}),
    Valid("NaN is null", "4:::[null]", {"type": "json", "data": [float("nan")]}),
]

# Socket.IO 3 to 5: all but the answers to a connect packet are written alike.

_ALIKE = [
    Valid(
        "arguments are a tuple",
        '2["a",1,"b"]',
        {"type": "event", "endpoint": "", "name": "a", "args": (1, "b")},
    ),
    Valid("no endpoint", '2["a"]', {"type": "event", "name": "a"}),
    Valid(
        "a message is an event called message",
        '2/chat,["message","hi"]',
        {"type": "message", "endpoint": "/chat", "data": "hi"},
    ),
    Valid(
        "so is a json message",
        '23["message",{"a":1}]',
        {"type": "json", "endpoint": "", "data": {"a": 1}, "id": 3, "ack": "data"},
    ),
    Valid("ack without arguments", "312[]", {"type": "ack", "ackId": 12}),
    Valid(
        "answer is a tuple",
        "3/chat,0[1,null]",
        {"type": "ack", "endpoint": "/chat", "ackId": 0, "args": (1, None)},
    ),
    Valid(
        "an attachment",
        '51-["baz",{"_placeholder":true,"num":0}]',
        {
            "type": "event",
            "endpoint": "",
            "name": "baz",
            "attachments": 1,
            "args": [_FIRST],
        },
    ),
    Valid(
        "attachments in a namespace",
        '52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        {
            "type": "event",
            "endpoint": "/admin",
            "name": "baz",
            "attachments": 2,
            "args": [_FIRST, _SECOND],
        },
    ),
    Valid(
        "an attachment inside an object",
        '52-/admin,3["baz",{"_placeholder":true,"num":0},'
        '{"a":{"_placeholder":true,"num":1}}]',
        {
            "type": "event",
            "endpoint": "/admin",
            "name": "baz",
            "id": 3,
            "attachments": 2,
            "args": [_FIRST, {"a": _SECOND}],
        },
    ),
    Valid(
        "an attachment and an id",
        '51-14["foo",{"_placeholder":true,"num":0}]',
        {"type": "event", "name": "foo", "id": 14, "attachments": 1, "args": [_FIRST]},
    ),
    Valid(
        "an attachment of an ack",
        '61-15["bar",{"_placeholder":true,"num":0}]',
        {"type": "ack", "ackId": 15, "attachments": 1, "args": ["bar", _FIRST]},
    ),
    Valid(
        "an attachment of an ack in the main namespace",
        '61-15["bar",{"_placeholder":true,"num":0}]',
        {
            "type": "ack",
            "endpoint": "",
            "ackId": 15,
            "attachments": 1,
            "args": ["bar", _FIRST],
        },
    ),
    Valid(
        "an attachment of an ack in a namespace",
        '61-/admin,1[{"_placeholder":true,"num":0}]',
        {
            "type": "ack",
            "endpoint": "/admin",
            "ackId": 1,
            "attachments": 1,
            "args": [_FIRST],
        },
    ),
    Valid(
        "a message of bytes",
        '51-["message",{"_placeholder":true,"num":0}]',
        {"type": "message", "endpoint": "", "attachments": 1, "data": _FIRST},
    ),
    Valid(
        "no attachments", '50-["a"]', {"type": "event", "name": "a", "attachments": 0}
    ),
    Valid(
        "a count of two digits",
        '512-["a"]',
        {"type": "event", "name": "a", "attachments": 12},
    ),
    Valid(
        "NaN is null",
        '2["a",null]',
        {"type": "event", "name": "a", "args": [float("nan")]},
    ),
]

#: As socket.io-parser 2.3.1 (1.x) and 3.3.6 (2.x) write them.
SOCKETIO_4_WRITTEN = [
    *_ALIKE,
    Valid("accepted", "0", {"type": "connect", "endpoint": ""}),
    Valid(
        "accepted, without an id",
        "0",
        {"type": "connect", "endpoint": "", "data": {"sid": "a"}},
    ),
    Valid(
        "accepted in /admin, without an id",
        "0/admin,",
        {"type": "connect", "endpoint": "/admin", "data": {"sid": "a"}},
    ),
    Valid(
        "accepted, without the query",
        "0/admin,",
        {"type": "connect", "endpoint": "/admin", "qs": "token=abc"},
    ),
    Valid(
        "refused",
        '4"Not authorized"',
        {"type": "error", "endpoint": "", "reason": "Not authorized"},
    ),
    Valid(
        "refused in /admin",
        '4/admin,"Invalid namespace"',
        {"type": "error", "endpoint": "/admin", "reason": "Invalid namespace"},
    ),
    Valid(
        "details come instead of the reason",
        '4/admin,{"code":7}',
        {"type": "error", "endpoint": "/admin", "reason": "no", "data": {"code": 7}},
    ),
    Valid(
        "details without a namespace",
        '4{"code":7}',
        {"type": "error", "endpoint": "", "reason": "no", "data": {"code": 7}},
    ),
    Valid(
        "no details",
        '4"no"',
        {"type": "error", "endpoint": "", "reason": "no", "data": None},
    ),
    Valid(
        "empty details are details",
        "4[]",
        {"type": "error", "endpoint": "", "reason": "no", "data": []},
    ),
    Valid("refused without a reason", '4""', {"type": "error"}),
    Valid(
        "the reason is JSON",
        '4"a \\"b\\"\\n"',
        {"type": "error", "endpoint": "", "reason": 'a "b"\n'},
    ),
]

SOCKETIO_5_WRITTEN = [
    *_ALIKE,
    Valid(
        "accepted",
        '0{"sid":"wZX3oN0bSVIhsaknAAAI"}',
        {"type": "connect", "endpoint": "", "data": {"sid": "wZX3oN0bSVIhsaknAAAI"}},
    ),
    Valid(
        "accepted in /admin",
        '0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}',
        {
            "type": "connect",
            "endpoint": "/admin",
            "data": {"sid": "oSO0OpakMV_3jnilAAAA"},
        },
    ),
    Valid(
        "refused",
        '4{"message":"Not authorized"}',
        {"type": "error", "endpoint": "", "reason": "Not authorized"},
    ),
    Valid(
        "refused in /random",
        '4/random,{"message":"Invalid namespace"}',
        {"type": "error", "endpoint": "/random", "reason": "Invalid namespace"},
    ),
    Valid(
        "refused with details",
        '4/a,{"message":"no","data":{"code":7}}',
        {"type": "error", "endpoint": "/a", "reason": "no", "data": {"code": 7}},
    ),
    Valid("refused without a reason", '4{"message":""}', {"type": "error"}),
]
