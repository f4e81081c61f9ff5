"""Fixtures of the tests that take long and run separately."""

from tests.live.conftest import browser, node_clients, serve
from tests.live.test_channels import _resource, servers

__all__ = ["_resource", "browser", "node_clients", "serve", "servers"]
