"""Tests of the protocols: bytes and text in, values or a protocol error out."""
