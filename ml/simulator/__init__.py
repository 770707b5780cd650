"""Seeded e-commerce traffic with named fraud scenarios. The data is synthetic, and every result
from it must say so.
"""

from ml.simulator.population import Population
from ml.simulator.traffic import LabelledTransaction, simulate

__all__ = ["LabelledTransaction", "Population", "simulate"]
