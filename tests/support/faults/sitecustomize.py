"""Breaks a worker on purpose: started with this folder on its PYTHONPATH, it cannot decide
transactions of the merchant `poison`, and none at all while the file FRAUD_TEST_BROKEN exists.
"""

import importlib.abc
import importlib.util
import os
import sys

PATCHED = "fraud_app.decisions.pipeline"


class Breaker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != PATCHED:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def load_and_break(module):
            load(module)
            decide_batch = module.decide_batch

            def broken(inputs, *others):
                if os.path.exists(os.environ["FRAUD_TEST_BROKEN"]):
                    raise RuntimeError("broken on purpose")
                for item in inputs:
                    if item.transaction.merchant_id == "poison":
                        raise ZeroDivisionError(item.transaction.transaction_id)
                return decide_batch(inputs, *others)

            module.decide_batch = broken

        spec.loader.exec_module = load_and_break  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, Breaker())
