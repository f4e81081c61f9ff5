"""The published protocol documents, and tests of their requirements for a server.

``paragraphs.py`` lists each binding paragraph. A test of a paragraph names it with
``@pytest.mark.cites``. The tests here have no better place.
"""
