"""A slot follows its alias: loads beside the running model, and keeps it when the new one is refused."""

import shutil

from ml.serving import registry
from ml.serving.model_loader import ModelLoader

NAME = "fraud-lgbm"


async def test_another_version_takes_over_without_a_restart(models):
    slot = ModelLoader(models, NAME, registry.CHAMPION)
    before = slot.scorer
    assert not await slot.reload_if_moved()
    registry.set_alias(models, NAME, registry.CHAMPION, "two")
    assert await slot.reload_if_moved()
    assert registry.parts_of(slot.scorer.reference)[1] == "two"
    assert registry.parts_of(before.reference)[1] == "one", "who holds the old one goes on with it"


async def test_a_refused_version_leaves_the_old_one_deciding_and_says_why(models):
    slot = ModelLoader(models, NAME, registry.CHAMPION)
    registry.set_alias(models, NAME, registry.CHAMPION, "two")
    text = models / NAME / "two" / "model.txt"
    text.write_bytes(text.read_bytes() + b"\n")
    assert not await slot.reload_if_moved()
    assert registry.parts_of(slot.scorer.reference)[1] == "one"
    assert "sha256" in slot.error
    registry.rollback(models, NAME)
    await slot.reload_if_moved()
    assert slot.error == ""


async def test_a_challenger_may_come_and_go(models):
    slot = ModelLoader(models, NAME, registry.CHALLENGER, required=False)
    assert (slot.scorer, slot.error) == (None, "")
    registry.set_alias(models, NAME, registry.CHALLENGER, "two")
    assert await slot.reload_if_moved()
    assert slot.scorer is not None
    registry.set_alias(models, NAME, registry.CHALLENGER, None)
    assert await slot.reload_if_moved()
    assert slot.scorer is None


async def test_a_model_that_comes_later_is_found(models, tmp_path):
    empty = tmp_path / "later"
    slot = ModelLoader(empty, NAME, registry.CHAMPION)
    assert slot.scorer is None
    assert "no aliases" in slot.error
    shutil.copytree(models / NAME, empty / NAME)
    assert await slot.reload_if_moved()
