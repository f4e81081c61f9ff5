"""Strategies of hypothesis, and the number of examples."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tgext.socketio.wire.errors import ProtocolError

T = TypeVar("T")
TextOrBytes = TypeVar("TextOrBytes", str, bytes)

#: The number of new examples in each run; `tox run -e fuzz` sets it. Without it all
#: runs have the same examples, and so the same result.
EXAMPLES = int(os.environ.get("TGEXT_SOCKETIO_EXAMPLES", "0"))

#: Divides the number of examples. It is 1 for one Python, and higher for the others:
#: what random examples find hardly depends on the Python.
FEWER = int(os.environ.get("TGEXT_SOCKETIO_FEWER", "1"))


def examples(usual: int) -> int:
    """The number of examples to try, for a usual number."""
    return max(5, usual // FEWER)


#: For properties that are quick to check.
MANY = settings(
    max_examples=EXAMPLES or examples(150),
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
)
#: For properties of nested values, which take longer.
SOME = settings(MANY, max_examples=EXAMPLES // 2 or examples(60))


def machine_settings(usual: int, steps: int) -> settings:
    """The settings of a state machine. Each run has the same examples, as above.

    :param usual: the number of examples without `TGEXT_SOCKETIO_EXAMPLES`, which is 150
        for the others.
    :param steps: the most steps of an example.
    """
    return settings(
        max_examples=usual * EXAMPLES // 150 or examples(usual),
        stateful_step_count=steps,
        deadline=None,
        derandomize=not EXAMPLES,
        suppress_health_check=list(HealthCheck),
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)
json_args = st.lists(json_values, max_size=4)

binary_values = (
    st.binary(max_size=20)
    | st.binary(max_size=20).map(bytearray)
    | st.binary(max_size=20).map(memoryview)
)
#: What an application may send: bytes of each type, anywhere.
mixed_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | binary_values,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(
            st.text().filter(lambda key: key != "_placeholder"), inner, max_size=4
        )
    ),
    max_leaves=10,
)

event_names = st.text()
#: A namespace other than the main one; neither protocol can spell `:`, `,` or `?`.
endpoints = st.just("") | st.text(
    st.characters(exclude_characters=":,?", exclude_categories=["Cs"]), min_size=1
).map("/{}".format)
packet_ids = st.integers(0, 10**16 - 1)

#: Characters that mean something to a protocol; or any characters, lone surrogates too.
protocol_text = st.text(
    st.sampled_from('0123456789:+-/,?[]{}"\\unaeb. \n\ufffd\x1e\u0665\U0001f600')
) | st.text(st.characters())


@st.composite
def mutated(
    draw: st.DrawFn,
    valid: Sequence[TextOrBytes],
    pieces: st.SearchStrategy[TextOrBytes],
) -> TextOrBytes:
    """One of ``valid`` with up to four places overwritten, cut or lengthened."""
    data = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = start + draw(st.integers(0, 5))
        data = data[:start] + draw(pieces) + data[stop:]
    return data


def outcome(read: Callable[[], T]) -> T | type[ProtocolError]:
    """The result of ``read``, or the class of the protocol error that it raises."""
    try:
        return read()
    except ProtocolError as error:
        return type(error)
