"""The resources of a process beside Kafka: Redis, models and PostgreSQL. Importing this module must
open nothing; each connection is opened when it is first used.
"""

from __future__ import annotations

from functools import partial

from fraud_app.decision_waiters import DecisionWaiters
from fraud_app.postgres.database import Database
from fraud_app.recent_decisions import RecentDecisions
from fraud_app.scoring_state import ScoringState
from fraud_app.settings import settings
from ml.serving.model_loader import ModelLoader
from ml.serving.registry import CHALLENGER
from tables.redis.client import RedisClient, refuse_cluster
from tables.redis.cross_user_signals import SignalStore

config = settings()

redis_client = RedisClient(config.redis.url.get_secret_value())
refuse_redis_cluster = partial(refuse_cluster, config.redis.url.get_secret_value())
"""To be called before an application that uses Redis starts."""
signal_store = SignalStore(redis_client, config.redis.deadline_ms)
champion = ModelLoader(config.model.dir, config.model.name, config.model.alias)
"""The model that decides."""
challenger = ModelLoader(config.model.dir, config.model.name, CHALLENGER, required=False)
"""Scores decided transactions from their stored features, outside the hot path."""
database = Database(config.postgres)
decision_waiters = DecisionWaiters()
scoring_state = ScoringState()
recent_decisions = RecentDecisions()
