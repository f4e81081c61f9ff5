"""How Sphinx builds the documentation: ``tox run -e docs``."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "tgext.socketio"
author = "the authors of tgext.socketio"
version = release = installed(project)

# :ref:`in_production:Workers` is the section *Workers* of that page.
extensions = ["sphinx.ext.autosectionlabel"]
autosectionlabel_prefix_document = True
autosectionlabel_maxdepth = 2

html_theme = "furo"
html_title = project
html_show_copyright = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}

# Blocks say their language; what has none is text.
highlight_language = "text"
smartquotes = False
