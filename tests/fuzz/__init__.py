"""The decoders, fed with what nobody thought of: ``tox run -e fuzz``.

Not a part of the ordinary tests. What it ever finds becomes a vector.
"""
