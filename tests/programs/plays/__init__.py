"""The steps of each program's clients."""
