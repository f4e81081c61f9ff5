"""Golden vectors of every protocol, as plain data.

*Valid* ones are literal packets of the published protocols with the value they stand
for; most are examples of the documents or of the reference parsers' own tests.
*Malformed* ones name the error that answers them. :mod:`~tests.vectors.bad_input` puts
these, and all else that a client may do wrong, into one table with the outcome of each:
the tests of the decoders read it, and those of a live server send it.
"""
