"""Packets of Socket.IO 5, and those of 3 and 4 that differ."""

from __future__ import annotations

from tgext.socketio.wire.errors import InvalidJSON, PacketError

from .shapes import (
    ARABIC_FIVE,
    DEEP_CLOSED_LIST,
    DEEP_LIST,
    DEEP_OBJECT,
    EMOJI,
    LONG_NUMBER,
    SEVENTEEN_DIGITS,
    Malformed,
    Valid,
)

#: Read and written alike.
SOCKETIO_5_VALID = [
    Valid("connect", "0", {"type": "connect", "endpoint": "", "data": None}),
    Valid(
        "connect to /admin",
        "0/admin,",
        {"type": "connect", "endpoint": "/admin", "data": None},
    ),
    Valid(
        "connect with auth",
        '0{"token":"123"}',
        {"type": "connect", "endpoint": "", "data": {"token": "123"}},
    ),
    Valid(
        "connect to /admin with auth",
        '0/admin,{"token":"123"}',
        {"type": "connect", "endpoint": "/admin", "data": {"token": "123"}},
    ),
    Valid("disconnect", "1", {"type": "disconnect", "endpoint": ""}),
    Valid(
        "disconnect of /admin", "1/admin,", {"type": "disconnect", "endpoint": "/admin"}
    ),
    Valid(
        "event",
        '2["foo"]',
        {"type": "event", "endpoint": "", "name": "foo", "args": []},
    ),
    Valid(
        "event of /admin",
        '2/admin,["bar"]',
        {"type": "event", "endpoint": "/admin", "name": "bar", "args": []},
    ),
    Valid(
        "event with arguments",
        '2["message",1,"2",{"3":[true]}]',
        {
            "type": "event",
            "endpoint": "",
            "name": "message",
            "args": [1, "2", {"3": [True]}],
        },
    ),
    Valid(
        "event with an id",
        '212["foo"]',
        {
            "type": "event",
            "endpoint": "",
            "id": 12,
            "ack": "data",
            "name": "foo",
            "args": [],
        },
    ),
    Valid(
        "event with the id 0",
        '20["foo"]',
        {
            "type": "event",
            "endpoint": "",
            "id": 0,
            "ack": "data",
            "name": "foo",
            "args": [],
        },
    ),
    Valid(
        "event of /chat with an id",
        '2/chat,12["a",1]',
        {
            "type": "event",
            "endpoint": "/chat",
            "id": 12,
            "ack": "data",
            "name": "a",
            "args": [1],
        },
    ),
    Valid(
        "event whose id has sixteen digits",
        '29007199254740991["a"]',
        {
            "type": "event",
            "endpoint": "",
            "id": 2**53 - 1,
            "ack": "data",
            "name": "a",
            "args": [],
        },
    ),
    Valid(
        "event with commas and slashes in its data",
        '2["a","/x,y",[1,2]]',
        {"type": "event", "endpoint": "", "name": "a", "args": ["/x,y", [1, 2]]},
    ),
    Valid("ack", "312[]", {"type": "ack", "endpoint": "", "ackId": 12, "args": []}),
    Valid(
        "ack of /admin",
        '3/admin,13["bar"]',
        {"type": "ack", "endpoint": "/admin", "ackId": 13, "args": ["bar"]},
    ),
]

#: Other spellings, and packets that only clients send.
SOCKETIO_5_READ = [
    Valid(
        "ack without data",
        "312",
        {"type": "ack", "endpoint": "", "ackId": 12, "args": []},
    ),
    Valid(
        "ack of a namespace without data",
        "3/admin,12",
        {"type": "ack", "endpoint": "/admin", "ackId": 12, "args": []},
    ),
    Valid(
        "a number for a name",
        '2[7,"a"]',
        {"type": "event", "endpoint": "", "name": "7", "args": ["a"]},
    ),
    Valid(
        "a whole number with a point for a name",
        "2[1e1]",
        {"type": "event", "endpoint": "", "name": "10", "args": []},
    ),
    Valid(
        "a number with a fraction for a name",
        "2/admin,[-0.5]",
        {"type": "event", "endpoint": "/admin", "name": "-0.5", "args": []},
    ),
    Valid(
        "connect, no comma",
        "0/random",
        {"type": "connect", "endpoint": "/random", "data": None},
    ),
    Valid("connect to /", "0/,", {"type": "connect", "endpoint": "", "data": None}),
    Valid(
        "connect with a query, as 1.x and 2.x send it",
        "0/chat?token=abc&x=1,",
        {"type": "connect", "endpoint": "/chat", "qs": "token=abc&x=1", "data": None},
    ),
    Valid(
        "connect, auth is null",
        "0null",
        {"type": "connect", "endpoint": "", "data": None},
    ),
    Valid(
        "disconnect, no comma",
        "1/custom",
        {"type": "disconnect", "endpoint": "/custom"},
    ),
    Valid(
        "event of /",
        '2/,["a"]',
        {"type": "event", "endpoint": "", "name": "a", "args": []},
    ),
    Valid(
        "event with spaces in its JSON",
        '2 [ "a" , 1 ] ',
        {"type": "event", "endpoint": "", "name": "a", "args": [1]},
    ),
    Valid(
        "event with escapes",
        '2["\\u2603","\\ud83d\\ude00"]',
        {"type": "event", "endpoint": "", "name": "\u2603", "args": [EMOJI]},
    ),
    Valid(
        "binary event",
        '51-["baz",{"_placeholder":true,"num":0}]',
        {
            "type": "event",
            "endpoint": "",
            "attachments": 1,
            "name": "baz",
            "args": [{"_placeholder": True, "num": 0}],
        },
    ),
    Valid(
        "binary event of /admin",
        '52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        {
            "type": "event",
            "endpoint": "/admin",
            "attachments": 2,
            "name": "baz",
            "args": [
                {"_placeholder": True, "num": 0},
                {"_placeholder": True, "num": 1},
            ],
        },
    ),
    Valid(
        "binary event with an id",
        '51-14["foo",{"_placeholder":true,"num":0}]',
        {
            "type": "event",
            "endpoint": "",
            "attachments": 1,
            "id": 14,
            "ack": "data",
            "name": "foo",
            "args": [{"_placeholder": True, "num": 0}],
        },
    ),
    Valid(
        "binary event without attachments",
        '50-["a"]',
        {"type": "event", "endpoint": "", "attachments": 0, "name": "a", "args": []},
    ),
    Valid(
        "binary ack",
        '61-15["bar",{"_placeholder":true,"num":0}]',
        {
            "type": "ack",
            "endpoint": "",
            "attachments": 1,
            "ackId": 15,
            "args": ["bar", {"_placeholder": True, "num": 0}],
        },
    ),
    Valid(
        "binary ack of /admin",
        '61-/admin,15[{"_placeholder":true,"num":0}]',
        {
            "type": "ack",
            "endpoint": "/admin",
            "attachments": 1,
            "ackId": 15,
            "args": [{"_placeholder": True, "num": 0}],
        },
    ),
]

SOCKETIO_5_MALFORMED = [
    Malformed("nothing", "", PacketError),
    Malformed("type 7", '7["a"]', PacketError),
    Malformed("letters", "abc", PacketError),
    Malformed("negative type", '-2["a"]', PacketError),
    Malformed("space before the type", ' 2["a"]', PacketError),
    Malformed("type in Arabic digits", '\u0662["a"]', PacketError),
    Malformed("JSON alone", '["a"]', PacketError),
    Malformed("event without data", "2", InvalidJSON),
    Malformed("event of a namespace without data", "2/chat,", InvalidJSON),
    Malformed("namespace alone", "2/chat", InvalidJSON),
    Malformed("event with an id and no data", "212", InvalidJSON),
    Malformed("namespace without a comma", '2/chat["a"]', InvalidJSON),
    Malformed("namespace without a slash", '2chat,["a"]', InvalidJSON),
    Malformed("event cut short", '2["a",1', InvalidJSON),
    Malformed("event and more", '2["a"]]', InvalidJSON),
    Malformed("no-break space at the end", '2["a"]\xa0', InvalidJSON),
    Malformed("NUL at the end", '2["a"]\0', InvalidJSON),
    Malformed("empty list", "2[]", PacketError),
    Malformed("event is an object", '2{"name":"a"}', PacketError),
    Malformed("event is a string", '2"a"', PacketError),
    Malformed("event is null", "2null", PacketError),
    Malformed("event name is a boolean", "2[true]", PacketError),
    Malformed("event name is null", "2[null]", PacketError),
    Malformed("event name is a list", '2[["a"]]', PacketError),
    Malformed("event name is an object", "2[{}]", PacketError),
    Malformed("negative id", '2-1["a"]', InvalidJSON),
    Malformed("id in Arabic digits", f'2{ARABIC_FIVE}["a"]', InvalidJSON),
    Malformed("id with a point", '21.5["a"]', InvalidJSON),
    Malformed("id of 17 digits", f'2{SEVENTEEN_DIGITS}["a"]', PacketError),
    Malformed("id of 10,000 digits", f'2{LONG_NUMBER}["a"]', PacketError),
    Malformed("NaN", '2["a",NaN]', InvalidJSON),
    Malformed("Infinity", '2["a",Infinity]', InvalidJSON),
    Malformed("deep list", '2["a",' + DEEP_LIST, InvalidJSON),
    Malformed("deep closed list", f'2["a",{DEEP_CLOSED_LIST}]', InvalidJSON),
    Malformed("deep object", '2["a",' + DEEP_OBJECT, InvalidJSON),
    Malformed("long number", f'2["a",{LONG_NUMBER}]', InvalidJSON),
    Malformed("attachments of a plain event", '21-["a"]', PacketError),
    Malformed("attachments of a connect", "01-", PacketError),
    Malformed("attachments of a disconnect", "11-", PacketError),
    Malformed("attachments of an ack", "31-12[]", PacketError),
    Malformed("binary event without a count", '5["a"]', PacketError),
    Malformed("binary event with a dash alone", '5-["a"]', PacketError),
    Malformed("binary event with an id for a count", '51["a"]', PacketError),
    Malformed("binary event without data", "50-", InvalidJSON),
    Malformed("65 attachments", '565-["a"]', PacketError),
    Malformed("9999999999 attachments", '59999999999-["a"]', PacketError),
    Malformed("attachments of 10,000 digits", f'5{LONG_NUMBER}-["a"]', PacketError),
    Malformed("negative attachments", '5-1-["a"]', PacketError),
    Malformed("attachments in Arabic digits", f'5{ARABIC_FIVE}-["a"]', PacketError),
    Malformed("binary ack without a count", "615[]", PacketError),
    Malformed("binary ack without an id", "61-[]", PacketError),
    Malformed("ack without an id", '3["a"]', PacketError),
    Malformed("ack is an object", "312{}", PacketError),
    Malformed("ack is a string", '312"a"', PacketError),
    Malformed("ack of 17 digits", f"3{SEVENTEEN_DIGITS}[]", PacketError),
    Malformed("auth is a list", '0["a"]', PacketError),
    Malformed("auth is a string", '0"a"', PacketError),
    Malformed("auth is false", "0false", PacketError),
    Malformed("auth cut short", '0{"token":', InvalidJSON),
    Malformed("deep auth", "0" + DEEP_OBJECT, PacketError),
    Malformed("connect with an id", "012", PacketError),
    Malformed("disconnect with data", '1["a"]', PacketError),
    Malformed("disconnect with a space", "1 ", PacketError),
    Malformed("disconnect with an id", "112", PacketError),
    Malformed("connect error", '4{"message":"a"}', PacketError),
]


#: Packets whose placeholders do not fit: refused when the attachment has arrived.
PLACEHOLDERS_MALFORMED = [
    *(
        Malformed(
            f"attachment {name}",
            f'51-["a",{{"_placeholder":true,"num":{number}}}]',
            PacketError,
        )
        for name, number in (
            ("-1", "-1"),
            ("out of range", "1"),
            ("far out of range", "9007199254740991"),
            ("past 64 bits", "18446744073709551616"),
            ("far below", "-9223372036854775808"),
            ("0.0", "0.0"),
            ("0.5", "0.5"),
            ("1e4", "1e4"),
            ("in a string", '"0"'),
            ("true", "true"),
            ("false", "false"),
            ("null", "null"),
            ("in a list", "[0]"),
            ("in an object", '{"num":0}'),
            ("a placeholder", '{"_placeholder":true,"num":0}'),
            ("a long string", '"' + "0" * 100_000 + '"'),
        )
    ),
    Malformed("attachment missing", '51-["a",{"_placeholder":true}]', PacketError),
    Malformed(
        "attachment misspelt", '51-["a",{"_placeholder":true,"Num":0}]', PacketError
    ),
    Malformed(
        "second attachment of one",
        '51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        PacketError,
    ),
    Malformed(
        "attachment of an ack", '61-1[{"_placeholder":true,"num":1}]', PacketError
    ),
    Malformed(
        "attachment far inside",
        '51-["a",{"b":[[{"c":{"_placeholder":true,"num":-1}}]]}]',
        PacketError,
    ),
]


# Socket.IO 3 and 4

#: Read and written alike, in addition to the packets that they share with 5.
SOCKETIO_4_VALID = [
    Valid("connect", "0", {"type": "connect", "endpoint": ""}),
    Valid("connect to /admin", "0/admin,", {"type": "connect", "endpoint": "/admin"}),
]

#: What 1.x and 2.x clients write: socket.io-parser 2.3.1 and 3.3.6.
SOCKETIO_4_READ = [
    # The data of these is ignored.
    Valid("connect with auth", '0{"a":1}', {"type": "connect", "endpoint": ""}),
    Valid("connect with empty auth", "0{}", {"type": "connect", "endpoint": ""}),
    Valid(
        "connect to /admin with auth",
        '0/admin,{"token":"123"}',
        {"type": "connect", "endpoint": "/admin"},
    ),
    Valid(
        "connect with a query and auth",
        '0/admin?a=1,{"token":"123"}',
        {"type": "connect", "endpoint": "/admin", "qs": "a=1"},
    ),
    Valid("connect of 1.x", "0/admin", {"type": "connect", "endpoint": "/admin"}),
    Valid(
        "connect of 1.x with a query",
        "0/admin?token=abc",
        {"type": "connect", "endpoint": "/admin", "qs": "token=abc"},
    ),
    Valid(
        "connect of 2.x with a query",
        "0/admin?token=abc,",
        {"type": "connect", "endpoint": "/admin", "qs": "token=abc"},
    ),
    Valid("disconnect of 1.x", "1/admin", {"type": "disconnect", "endpoint": "/admin"}),
    Valid(
        "bytes inside an object",
        '52-/admin,3["baz",{"_placeholder":true,"num":0},'
        '{"a":{"_placeholder":true,"num":1}}]',
        {
            "type": "event",
            "endpoint": "/admin",
            "attachments": 2,
            "id": 3,
            "ack": "data",
            "name": "baz",
            "args": [
                {"_placeholder": True, "num": 0},
                {"a": {"_placeholder": True, "num": 1}},
            ],
        },
    ),
]

#: Malformed in 3 and 4, in addition to those of 5.
SOCKETIO_4_MALFORMED = [
    Malformed("error of a client", '4"Not authorized"', PacketError),
]
