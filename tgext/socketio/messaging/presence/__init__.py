"""Presence: who is in the rooms of a namespace, over all processes."""
