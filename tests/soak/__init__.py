"""A server that runs for minutes, while thousands of clients of all kinds come and go.

Run by hand: ``tox run -e soak -- --seconds 600``.
"""
