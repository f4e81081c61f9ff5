"""Recovery of clients: the logs of their namespaces, and sessions in any process."""
