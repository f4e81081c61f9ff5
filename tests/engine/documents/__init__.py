"""The published protocol documents, and the tests that prove what they ask of a server.

``paragraphs.py`` lists each binding paragraph; a test that proves one names it by
``@pytest.mark.cites``. The tests here are those that had no better place.
"""
