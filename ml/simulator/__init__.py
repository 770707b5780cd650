"""Seeded e-commerce traffic with named fraud scenarios. What it makes is synthetic; every result on
it says so.
"""

from ml.simulator.population import Population
from ml.simulator.traffic import LabelledTransaction, simulate

__all__ = ["LabelledTransaction", "Population", "simulate"]
