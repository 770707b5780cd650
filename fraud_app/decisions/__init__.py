"""From bytes to a decision, pure: parse, classify, score, policy, outbound."""
