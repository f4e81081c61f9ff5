"""Golden vectors of every protocol, as plain data.

*Valid* ones are literal packets of the published protocols with the value they stand
for; most are examples of the documents or of the reference parsers' own tests.
*Malformed* ones name the error that answers them. :mod:`~tests.vectors.bad_input` is a
table of these and of all other mistakes of clients, with their outcomes. The tests of
the decoders and those of a live server use it.
"""
