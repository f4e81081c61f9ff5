"""The logs of topics: their latest messages, to read what was missed."""
