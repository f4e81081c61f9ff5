"""Every paragraph of the protocol documents that binds a server, in our words.

The documents: ``socketio/engine.io-protocol``, revisions 3 and 4;
``LearnBoost/socket.io-spec`` (Socket.IO revision 1, of the 0.9 clients);
``socketio/socket.io-protocol``, revisions 4 and 5.

A paragraph is named by its document, its section and a number within it. A
:class:`Deviation` says why the server does not do what a paragraph requires; the tests
that cite the paragraph show what the server does instead.
"""

from __future__ import annotations

from typing import NamedTuple


class Deviation(NamedTuple):
    """What a paragraph requires, and why the server does something else."""

    asked: str
    reason: str


Paragraphs = dict[str, "str | Deviation"]

ENGINEIO_3: Paragraphs = {
    "Anatomy 1": "The answer to a handshake is an open packet with sid, "
    "upgrades and pingTimeout.",
    "Anatomy 2": "The client's pings are answered with pongs.",
    "Anatomy 3": "Both sides send messages at will.",
    "Anatomy 4": "A polling client may end the session with a close packet.",
    "URLs 1": "A framework on top may choose the path.",
    "URLs 2": "`transport` names the transport.",
    "URLs 3": "`j` asks for JSONP, and is the number of its function.",
    "URLs 4": "`sid` names the session.",
    "URLs 5": "`b64` asks for base64 where bytes are sent.",
    "Packet 1": "A packet is a digit for its type, and its data.",
    "Packet 2": "A packet of bytes has its type in the first byte.",
    "Packet 3": "A ping is answered by a pong with the same data.",
    "Packet 4": "A noop lets a poll return when a WebSocket is about to take over.",
    "Payload 1": "A payload is packets, each behind its length in characters "
    "and a colon.",
    "Payload 2": "Where the client takes no bytes, they are base64 behind a `b`.",
    "Payload 3": "Where it does, a payload is bytes: kind, digits of the length, 255.",
    "Payload 4": "Text in such a payload is a byte per character of its UTF-8.",
    "Transports 1": Deviation(
        "WebSocket, polling over XHR and JSONP; earlier texts: flashsocket.",
        "Flash is gone: flashsocket is neither served nor advertised.",
    ),
    "XHR 1": Deviation(
        "CORS is supported.",
        "Only pages of origins that are listed may connect; these are told so, and may "
        "send any header.",
    ),
    "JSONP 1": "The answer calls `___eio[j]` with the payload.",
    "JSONP 2": "The payload is escaped, so that the answer is valid JavaScript.",
    "Posting data 1": "A JSONP client posts a form with the payload in `d`.",
    "Posting data 2": "Its line ends were escaped, and are restored.",
    "WebSocket 1": "No payloads: each packet is a frame.",
    "Transport upgrading 1": "The ping `probe` is answered by a pong `probe`.",
    "Transport upgrading 2": "At the upgrade packet all that waits goes to the new "
    "transport, and nothing is lost.",
    "Timeouts 1": "The client hears of the server within the time it was told.",
}

ENGINEIO_4: Paragraphs = {
    "Request path 1": "A framework on top may choose the path.",
    "Query parameters 1": "Without a transport the answer is 400.",
    "Query parameters 2": Deviation(
        "Without a version (`EIO`) the answer is 400.",
        "Such a request is the application's: pages may live at the resource. A "
        "SocketIOController that has none there answers 400. One for a WebSocket is "
        "taken for revision 3, as the reference server does.",
    ),
    "Query parameters 3": "Once there is a session, its id is mandatory.",
    "Headers 1": Deviation(
        "Who sends bytes says `application/octet-stream`.",
        "Payloads of this revision are text, bytes in base64 included (section Packet "
        "encoding), and the reference server sends them as text too.",
    ),
    "Headers 2": "A body without a type is text.",
    "Sending data 1": "A POST to a session that is not known answers 400.",
    "Sending data 2": "A POST that succeeds answers 200 and `ok`.",
    "Sending data 3": "A second POST beside one that is under way answers 400, and "
    "ends the session.",
    "Receiving data 1": "A GET of a session that is not known answers 400.",
    "Receiving data 2": "A GET may wait until there are packets, and brings them.",
    "Receiving data 3": "A second GET beside one that waits answers 400, and ends the "
    "session.",
    "WebSocket 1": "Without a mandatory parameter no WebSocket is opened.",
    "WebSocket 2": "Each packet has a frame of its own.",
    "WebSocket 3": "A second WebSocket of a session is closed.",
    "Protocol 1": "There are seven types of packets; others end the session.",
    "Handshake 1": "An accepted handshake is answered by an open packet with "
    "sid, upgrades, pingInterval, pingTimeout and maxPayload.",
    "Handshake 2": "A WebSocket may be the first transport: 101, then the open packet.",
    "Handshake 3": "maxPayload is what the server takes in one body.",
    "Heartbeat 1": "At each pingInterval the server pings.",
    "Heartbeat 2": "A client that sends nothing for pingTimeout after it is given up.",
    "Upgrade 1": "A GET that waits is let go with a noop.",
    "Upgrade 2": "The ping `probe` is answered by a pong `probe`.",
    "Upgrade 3": "The upgrade packet completes it; no packet is lost on the way.",
    "Message 1": "Both sides send message packets once the handshake is done.",
    "Packet encoding 1": "Text is UTF-8.",
    "Packet encoding, polling 1": "Packets of one payload are separated by 0x1e.",
    "Packet encoding, polling 2": "Bytes are base64 behind a `b`.",
    "Packet encoding, WebSocket 1": "A text frame is a digit for its type, and data.",
    "Packet encoding, WebSocket 2": "Bytes are a binary frame as they are.",
}

SOCKETIO_1: Paragraphs = {
    "Anatomy 1": "The handshake gives a session id, a heartbeat and a close timeout.",
    "Anatomy 2": Deviation(
        "While a transport is closed, messages wait, and follow as a batch when it "
        "opens again within the close timeout.",
        "So between two polls. A WebSocket that closes ends the connection: its client "
        "shakes hands anew, and asks for nothing of the old session.",
    ),
    "HTTP requests 1": "/resource/1/, and /resource/1/<transport>/<session id>.",
    "HTTP requests 2": "GET and POST are all there is.",
    "Namespace 1": "The first part of the path is the application's choice.",
    "Transport ID 1": Deviation(
        "Six transports.",
        "Flash is gone: flashsocket is neither served nor advertised.",
    ),
    "Query 1": "`disconnect` ends the connection.",
    "Query 2": "Other parameters are allowed, and the application's.",
    "Handshake 1": "A POST (the client sends a GET) without transport and session id.",
    "Handshake 2": "401 when the client may not connect.",
    "Handshake 3": "503 when there is no room.",
    "Handshake 4": "200 with `sid:heartbeat timeout:close timeout:transports`.",
    "Transport connection 1": "A GET of the chosen transport opens it.",
    "Unidirectional transports 1": "POSTs to the URL of the transport bring messages.",
    "Framing 1": "A WebSocket has a message in each frame.",
    "Framing 2": "xhr-multipart has its messages in parts of MIME.",
    "Framing 3": "Several messages of one body are framed by U+FFFD and lengths.",
    "Encoding 1": "type:id:endpoint:data, the type being a digit.",
    "Encoding 2": "With a `+` behind the id the handler answers, else the server.",
    "Encoding 3": "Each endpoint is a socket of its own.",
    "Disconnect 1": "With an endpoint, that socket is left.",
    "Disconnect 2": "Without, the whole connection; `0` is enough.",
    "Connect 1": Deviation(
        "To accept a connect, the server echoes it.",
        "A query comes back as the reference parser writes it (`1::/a:?b=c`): behind "
        "the endpoint, which clients compare as a whole.",
    ),
    "Connect 2": "Or it answers an error packet.",
    "Heartbeat 1": "Heartbeats go to and fro; a client without is given up.",
    "Message 1": "A message is text.",
    "JSON Message 1": "A JSON message is a value.",
    "Event 1": Deviation(
        "An event is an object with `name` and `args`.",
        "Empty `args` are left out by both reference parsers, and may be.",
    ),
    "Event 2": Deviation(
        "Some event names are reserved.",
        "gevent-socketio sent `error` events, and let clients send what they like; "
        "applications rely on both.",
    ),
    "ACK 1": "A receipt is the id alone.",
    "ACK 2": "An answer follows the id and a `+`.",
    "Error 1": "An error has a reason and an advice.",
    "Noop 1": "A noop lets a poll return without a message.",
    "Forced disconnection 1": "A request with `?disconnect` ends the connection, and "
    "is answered with 200.",
}

SOCKETIO_4: Paragraphs = {
    "Packet format 1": "A packet has a type and a namespace, perhaps a payload and "
    "an id.",
    "CONNECT 1": "The client asks for a namespace, and the server accepts, by "
    "a CONNECT without payload or id.",
    "CONNECT 2": "The client may add a query string to the namespace.",
    "DISCONNECT 1": "Either side leaves a namespace by a DISCONNECT.",
    "EVENT 1": "An EVENT has a payload, and an id where an ack is wanted.",
    "ACK 1": "An ACK has the id of the event, and perhaps a payload.",
    "ERROR 1": "A refused namespace is an ERROR, with the reason as its payload.",
    "BINARY_EVENT 1": "An event with bytes is a BINARY_EVENT.",
    "BINARY_ACK 1": "An ack with bytes is a BINARY_ACK.",
    "Packet encoding 1": "Packets travel as messages of Engine.IO.",
    "Encoding format 1": "type, attachments and `-`, namespace and `,`, id, JSON; then "
    "the attachments.",
    "Encoding format 2": "The main namespace is left out.",
    "Examples 1": "The examples are read and written as they stand.",
    "Default namespace 1": "The server connects each client to the main namespace, "
    "whatever it asks for.",
    "Non-default namespace 1": "A CONNECT is answered by a CONNECT, or by an ERROR.",
    "Disconnection 1": "A DISCONNECT is not answered.",
    "Acknowledgement 1": "An event with an id is answered by an ACK or a BINARY_ACK.",
    "Acknowledgement 2": "The server asks for acks likewise.",
    "Sample session 1": "The sample session, to the letter.",
}

SOCKETIO_5: Paragraphs = {
    "Exchange protocol 1": "A packet has a type and a namespace, perhaps a payload and "
    "an id.",
    "Connection to a namespace 1": "A CONNECT is answered by a CONNECT with an id.",
    "Connection to a namespace 2": "Or by a CONNECT_ERROR that says why.",
    "Connection to a namespace 3": "A client that begins otherwise is disconnected.",
    "Connection to a namespace 4": "A client may be in several namespaces at a time.",
    "Connection to a namespace 5": "A CONNECT may have a payload.",
    "Sending and receiving data 1": "The payload of an event is a list that is not "
    "empty; else the connection is closed.",
    "Sending and receiving data 2": "Events may hold bytes.",
    "Acknowledgement 1": "An event with an id is answered by an ACK with that id.",
    "Acknowledgement 2": "The payload of an ACK is a list, perhaps an empty one.",
    "Acknowledgement 3": "Acks may hold bytes.",
    "Acknowledgement 4": "The server asks for acks likewise.",
    "Disconnection from a namespace 1": "Either side leaves by a DISCONNECT, and gets "
    "no answer.",
    "Disconnection from a namespace 2": "The connection lives on while the client is "
    "in another namespace.",
    "Packet encoding 1": "Packets travel as messages of Engine.IO.",
    "Packet encoding 2": "type, attachments and `-`, namespace and `,`, id, JSON; then "
    "the attachments.",
    "Packet encoding 3": "The main namespace is left out.",
    "Packet encoding 4": "The examples are read and written as they stand.",
    "Sample session 1": "The sample session, to the letter.",
    "Difference between v5 and v4 1": "Nobody is in the main namespace unasked.",
    "Difference between v5 and v4 2": "The id in a namespace is not the session's.",
    "Difference between v5 and v4 3": "The payload of a CONNECT_ERROR is an object.",
}

#: Not from a document: the measured behaviour of the clients.
REAL_CLIENTS: Paragraphs = {
    "Payloads 1": "`EIO=3` is two dialects: 1.x encodes text twice and counts bytes, "
    "2.x encodes once and counts UTF-16 units.",
    "Payloads 2": "Text that the client did not send first arrives whole.",
    "Payloads 3": "Clients 1.0.x say `EIO=2`.",
    "Payloads 4": "Clients 1.x and 2.x of Node poll with `b64=1`.",
    "Payloads 5": "Those of a browser take payloads of bytes.",
    "Payloads 6": "The public Python client takes 16 packets in a payload; more are "
    "accepted, but never sent.",
    "JSONP 1": "Answers to 1.x and 2.x escape U+2028 and U+2029.",
    "JSONP 2": "0.9 calls `io.j[i]`, and posts a JSON string.",
    "HTTP 1": "A connection that the server closes is said to be closed.",
    "HTTP 2": "Others are kept.",
    "Acks 1": "0.9 adds data to an ack only where it has some.",
    "Acks 2": "0 is an id.",
    "Heartbeats 1": "1.x and 2.x give up a server that sends no pong, whatever handler "
    "takes long there.",
    "Acks 3": Deviation(
        "Clients 1.0.0 to 1.0.2 (Socket.IO 3) write attachments into every ack.",
        "Nothing in their requests tells them from 1.0.3 to 1.0.6, which do not. The "
        "reference server has not served them since 1.0.3 either.",
    ),
}

DOCUMENTS: dict[str, Paragraphs] = {
    "Engine.IO 3": ENGINEIO_3,
    "Engine.IO 4": ENGINEIO_4,
    "Socket.IO 1": SOCKETIO_1,
    "Socket.IO 4": SOCKETIO_4,
    "Socket.IO 5": SOCKETIO_5,
    "Real clients": REAL_CLIENTS,
}

#: What a test cites: ``Engine.IO 4, Heartbeat 1``.
CITABLE = {
    f"{document}, {name}": paragraph
    for document, paragraphs in DOCUMENTS.items()
    for name, paragraph in paragraphs.items()
}
