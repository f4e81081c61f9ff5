"""How Sphinx builds the documentation: ``tox run -e docs``."""

from __future__ import annotations

import warnings
from importlib.metadata import version as installed

from gevent.monkey import MonkeyPatchWarning

# The server's module patches the standard library, for a server that is not begun here.
warnings.simplefilter("ignore", MonkeyPatchWarning)

project = "tgext.socketio"
author = "the authors of tgext.socketio"
version = release = installed(project)

# :ref:`in_production:Workers` is the section *Workers* of that page.
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosectionlabel"]
autosectionlabel_prefix_document = True
autosectionlabel_maxdepth = 2

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_copyright = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}

# Blocks say their language; what has none is text.
highlight_language = "text"
# Dashes, and no other quotes than those that are written.
smartquotes_action = "D"

# The public docstrings are the reference.
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
