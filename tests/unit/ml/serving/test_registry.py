import shutil

import orjson
import pytest

from fraud_app.settings import ROOT
from ml.serving import registry
from ml.serving.registry import ModelRefused

MODELS = ROOT / "models"


@pytest.fixture
def model(tmp_path):
    version = registry.version_of(MODELS, "fraud-lgbm")
    copied = tmp_path / "fraud-lgbm" / version
    shutil.copytree(MODELS / "fraud-lgbm" / version, copied)
    return copied


def test_a_changed_file_is_refused_before_it_is_parsed(model):
    path = model / "model.txt"
    path.write_bytes(path.read_bytes().replace(b"tree", b"free", 1))
    with pytest.raises(ModelRefused, match=r"model\.txt: its sha256"):
        registry.read(model)


def test_a_missing_file_is_refused_by_name(model):
    (model / "thresholds.json").unlink()
    with pytest.raises(ModelRefused, match=r"thresholds\.json"):
        registry.read(model)


def test_a_model_for_other_features_is_refused(model):
    contents = {name: (model / name).read_bytes() for name in registry.FILES}
    features = orjson.loads(contents["features.json"])
    features["names"][0] = "moon_phase"
    contents["features.json"] = orjson.dumps(features)
    registry.write(model.parent / "other", contents)
    with pytest.raises(ModelRefused, match="moon_phase"):
        registry.read(model.parent / "other")


def test_a_version_is_never_written_twice(model):
    contents = {name: (model / name).read_bytes() for name in registry.FILES}
    with pytest.raises(FileExistsError):
        registry.write(model, contents)


def test_an_alias_moves_only_to_a_complete_version(model):
    models = model.parent.parent
    registry.set_alias(models, "fraud-lgbm", "challenger", model.name)
    assert registry.version_of(models, "fraud-lgbm", "challenger") == model.name
    with pytest.raises(ModelRefused):
        registry.set_alias(models, "fraud-lgbm", "challenger", "0")


def test_an_alias_cannot_leave_the_registry(model):
    (model.parent / "aliases.json").write_bytes(b'{"champion":"../../etc"}')
    with pytest.raises(ModelRefused, match="not a version"):
        registry.version_of(model.parent.parent, "fraud-lgbm")


def test_only_the_first_version_decides_before_somebody_has_promoted_it(model, tmp_path):
    models = model.parent.parent
    assert registry.alias_of_new(tmp_path / "empty", "fraud-lgbm") == "champion"
    registry.set_alias(models, "fraud-lgbm", "challenger", model.name)
    assert registry.alias_of_new(models, "fraud-lgbm") == "champion"
    registry.set_alias(models, "fraud-lgbm", "champion", model.name)
    assert registry.alias_of_new(models, "fraud-lgbm") == "challenger"


def test_the_last_move_of_an_alias_can_be_rolled_back(model):
    models = model.parent.parent
    shutil.copytree(model, model.parent / "next")
    registry.set_alias(models, "fraud-lgbm", "champion", model.name)
    registry.set_alias(models, "fraud-lgbm", "champion", "next")
    assert registry.rollback(models, "fraud-lgbm") == model.name
    assert registry.version_of(models, "fraud-lgbm") == model.name
    assert [move["to"] for move in registry.history(models, "fraud-lgbm")] == [
        model.name,
        "next",
        model.name,
    ]
    registry.set_alias(models, "fraud-lgbm", "challenger", "next")
    with pytest.raises(ModelRefused, match="never another"):
        registry.rollback(models, "fraud-lgbm", "challenger")


def test_cutoffs_that_make_no_sense_are_refused(model):
    contents = {name: (model / name).read_bytes() for name in registry.FILES}
    registry.write(
        model.parent / "odd", {**contents, "thresholds.json": b'{"review":0.9,"block":0.1}'}
    )
    with pytest.raises(ModelRefused, match="review <= block"):
        registry.read(model.parent / "odd")
    registry.write(model.parent / "odder", {**contents, "calibrator.json": b"[]"})
    with pytest.raises(ModelRefused, match="format"):
        registry.read(model.parent / "odder")


def test_a_reference_identifies_the_exact_files(model):
    first = registry.read(model)
    contents = {name: (model / name).read_bytes() for name in registry.FILES}
    registry.write(model.parent / "other", {**contents, "card.md": b"changed"})
    assert registry.parts_of(first.reference) == (first.name, first.version, first.digest)
    assert registry.read(model.parent / "other").digest != first.digest
