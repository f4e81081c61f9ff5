"""Fuzzing of the decoders and of HTTP: ``tox run -e fuzz``.

It is not a part of the ordinary tests. Each input that fails becomes a vector.
"""
