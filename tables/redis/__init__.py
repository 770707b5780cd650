"""What lives in Redis: cross-user signals, the live feed, heartbeats. Scoring never needs it."""
