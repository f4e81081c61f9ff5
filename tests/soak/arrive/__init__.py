"""Messages that must arrive, while everything goes wrong; see ``__main__.py``."""
