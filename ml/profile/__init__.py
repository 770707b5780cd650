"""What is remembered of one user, as packed bytes, and how one transaction changes it."""
