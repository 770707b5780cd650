"""All our exceptions share one base, and each says what it means."""

import ast
import importlib

from fraud_app.contracts.card_data import CardDataRefused
from fraud_app.errors import FraudError
from tables.redis.client import RedisUnavailable
from tests.support.source import PRODUCT, modules


def exceptions():
    """Every exception class that our code defines."""
    for path, tree in modules(*PRODUCT).items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
                defined = getattr(module, node.name)
                if issubclass(defined, BaseException):
                    yield defined


def test_every_exception_is_a_fraud_error_that_says_what_it_means():
    ours = list(exceptions())
    assert len(ours) > 6
    for defined in ours:
        assert issubclass(defined, FraudError), defined
        assert (defined.__doc__ or "").strip(), defined


def test_the_docstring_is_the_message_unless_there_is_another():
    assert str(RedisUnavailable()) == "No answer within the deadline, or the breaker is open"
    assert str(CardDataRefused()) == "Card data was found"
    assert str(RedisUnavailable("timed out")) == "timed out"
