"""What the connections of one server share: its options, timers, rooms and bounds."""
