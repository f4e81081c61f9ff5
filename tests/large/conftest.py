"""Tests that take their time, apart from the others."""

from tests.live.conftest import browser, node_clients, serve
from tests.live.test_channels import _resource, servers

__all__ = ["_resource", "browser", "node_clients", "serve", "servers"]
