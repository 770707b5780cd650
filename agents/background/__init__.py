"""Tasks that run beside the agents: heartbeats, the mirror, model reloads, gauges, the watchdog."""
