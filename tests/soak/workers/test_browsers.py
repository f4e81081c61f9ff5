"""The browser builds of all clients, through several workers, over every transport.

The tests are those of tests/live/test_browsers.py.
"""

from tests.live.test_browsers import *  # noqa: F403
from tests.live.test_browsers import connection, pages, played  # noqa: F401
