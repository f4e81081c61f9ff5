"""What the people who run an application look at."""
