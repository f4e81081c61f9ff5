"""Tests of the engine: namespaces and sockets on gevent, without TurboGears."""
