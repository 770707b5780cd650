"""State by user: the Faust table, its rows and their mirror. What lives in Redis is in `redis`."""
