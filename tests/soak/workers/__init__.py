"""Several workers behind proxies without sticky sessions.

``test_clients.py`` and ``test_browsers.py`` let all clients play through them,
``test_upgrades.py`` lets clients upgrade under load, and ``__main__.py`` kills and
reloads workers. ``tox run -e workers`` runs all.
"""
