"""Tests with packages of others, which ``tox run -e stacks`` installs."""
