"""Hours in minutes: whether memory and descriptors of our processes stay flat under load."""
