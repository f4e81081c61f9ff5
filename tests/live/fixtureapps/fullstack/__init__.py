"""A full-stack application, as tests/live/test_fullstack.py uses it.

It has what an application made by ``gearbox quickstart`` has: users, groups and
permissions in a database, a login, transactions, beaker sessions on the server side,
templates and languages. ``fullstack.ini`` serves it.
"""
