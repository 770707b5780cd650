"""The same job done in other ways, for `scripts/bench` only: same transactions, same model, same feature functions, same message."""
