"""A server for minutes, with thousands of clients of all kinds that come and go.

Run by hand: ``tox run -e soak -- --seconds 600``.
"""
