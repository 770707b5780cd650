"""Faust agents: wiring around pure calls. What runs beside them is in `background`."""
