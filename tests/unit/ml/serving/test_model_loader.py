"""A loader follows its alias: it loads the new version beside the running model, and keeps the old
one when the new one is refused.
"""

import shutil

from ml.serving import registry
from ml.serving.model_loader import ModelLoader

NAME = "fraud-lgbm"


async def test_another_version_takes_over_without_a_restart(models):
    loader = ModelLoader(models, NAME, registry.CHAMPION)
    loader.load()
    before = loader.scorer
    assert not await loader.reload_if_moved()
    registry.set_alias(models, NAME, registry.CHAMPION, "two")
    assert await loader.reload_if_moved()
    assert registry.parts_of(loader.scorer.reference)[1] == "two"
    assert registry.parts_of(before.reference)[1] == "one", (
        "whoever holds the old one continues with it"
    )


async def test_a_refused_version_leaves_the_old_one_deciding_and_says_why(models):
    loader = ModelLoader(models, NAME, registry.CHAMPION)
    loader.load()
    registry.set_alias(models, NAME, registry.CHAMPION, "two")
    text = models / NAME / "two" / "model.txt"
    text.write_bytes(text.read_bytes() + b"\n")
    assert not await loader.reload_if_moved()
    assert registry.parts_of(loader.scorer.reference)[1] == "one"
    assert "sha256" in loader.error
    registry.rollback(models, NAME)
    await loader.reload_if_moved()
    assert loader.error == ""


async def test_a_challenger_may_be_set_and_removed(models):
    loader = ModelLoader(models, NAME, registry.CHALLENGER, required=False)
    loader.load()
    assert (loader.scorer, loader.error) == (None, "")
    registry.set_alias(models, NAME, registry.CHALLENGER, "two")
    assert await loader.reload_if_moved()
    assert loader.scorer is not None
    registry.set_alias(models, NAME, registry.CHALLENGER, None)
    assert await loader.reload_if_moved()
    assert loader.scorer is None


async def test_a_model_that_is_stored_later_is_loaded(models, tmp_path):
    empty = tmp_path / "later"
    loader = ModelLoader(empty, NAME, registry.CHAMPION)
    loader.load()
    assert loader.scorer is None
    assert "no aliases" in loader.error
    shutil.copytree(models / NAME, empty / NAME)
    assert await loader.reload_if_moved()
