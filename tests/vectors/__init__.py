"""Golden vectors of every protocol, as plain data.

*Valid* vectors are literal packets of the published protocols, with their values; most
are examples of the documents or of the reference parsers' tests. *Malformed* vectors
have the error that the decoder raises. :mod:`~tests.vectors.bad_input` is a table of
these and of all other mistakes of clients, with their outcomes. The tests of the
decoders and those of a live server use it.
"""
