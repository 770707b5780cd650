"""Each module has its tests where the first guess looks: `tests/unit/<package>/test_<module>.py`.
Where it has none of its name, a note here says which tests cover it, and why there.
"""

import pytest

from tests.support.source import PRODUCT, ROOT, modules

LIVE = "input and output: tried on the real servers"
COVERED_ELSEWHERE = {
    "agents/batch_metrics.py": ("tests/integration/test_pipeline.py", LIVE),
    "agents/background/": ("tests/integration/test_outages.py", LIVE),
    "agents/dead_letters.py": ("tests/integration/test_dead_letters.py", LIVE),
    "agents/feed.py": ("tests/integration/test_live.py", LIVE),
    "agents/labels.py": ("tests/integration/test_reviews.py", LIVE),
    "agents/scoring.py": ("tests/integration/test_pipeline.py", LIVE),
    "agents/storage.py": ("tests/integration/test_pipeline.py", LIVE),
    "agents/store_batches.py": ("tests/integration/test_outages.py", LIVE),
    "fraud_app/__main__.py": ("tests/architecture/test_wheel.py", "started as a process"),
    "fraud_app/cli/": ("tests/architecture/test_wheel.py", "started as processes, from a wheel"),
    "fraud_app/contracts/message.py": ("tests/integration/test_sending.py", "two type aliases"),
    "fraud_app/dead_letters.py": ("tests/integration/test_dead_letters.py", LIVE),
    "fraud_app/errors.py": ("tests/architecture/test_errors.py", "one rule for all exceptions"),
    "fraud_app/heartbeats.py": ("tests/integration/test_cases.py", LIVE),
    "fraud_app/http_limits.py": ("tests/unit/test_settings.py", "part of the settings"),
    "fraud_app/kafka/crash.py": ("tests/unit/kafka/test_application.py", "ends the process"),
    "fraud_app/kafka/dead_letter_topic.py": ("tests/integration/test_dead_letters.py", LIVE),
    "fraud_app/kafka/producer.py": ("tests/integration/test_sending.py", LIVE),
    "fraud_app/kafka/topic_admin.py": ("tests/integration/test_pipeline.py", LIVE),
    "fraud_app/kafka/work.py": ("tests/unit/kafka/test_batches.py", "what a reader hands over"),
    "fraud_app/metrics.py": ("tests/architecture/test_docs.py", "declarations"),
    "fraud_app/postgres/": (
        "tests/integration/test_pipeline.py",
        "SQL: on the real server",
    ),
    "fraud_app/resources.py": ("tests/architecture/test_wiring.py", "wiring"),
    "fraud_app/sinks.py": ("tests/architecture/test_wiring.py", "wiring"),
    "fraud_app/topics.py": ("tests/architecture/test_docs.py", "declarations"),
    "ml/fdh_benchmark/": (
        "tests/unit/ml/fdh_benchmark/test_fdh_benchmark.py",
        "one protocol in three modules",
    ),
    "ml/features/": (
        "tests/unit/ml/features/test_features.py",
        "seen through `compute`",
    ),
    "ml/profile/jit.py": ("tests/unit/ml/profile/test_layout.py", "seen through its users"),
    "ml/profile/known_entities.py": (
        "tests/unit/ml/profile/test_layout.py",
        "part of the layout",
    ),
    "ml/profile/recent.py": ("tests/unit/ml/profile/test_layout.py", "part of the layout"),
    "ml/profile/windows.py": ("tests/unit/ml/profile/test_layout.py", "part of the layout"),
    "ml/simulator/": ("tests/unit/ml/simulator/test_simulator.py", "seen through `simulate`"),
    "ml/training/": ("tests/unit/ml/training/test_train.py", "one recipe, trained as a whole"),
    "tables/mirror.py": ("tests/integration/test_outages.py", LIVE),
    "tables/redis/": ("tests/integration/test_outages.py", LIVE),
    "tables/row_update.py": ("tests/unit/decisions/test_classify.py", "the other half of classify"),
    "tables/user_row_legacy.py": ("tests/unit/tables/test_user_row.py", "seen through `decode`"),
    "web/api/": ("tests/integration/test_api.py", "asked over HTTP"),
    "web/http/": ("tests/integration/test_api.py", "asked over HTTP"),
    "web/live.py": ("tests/integration/test_live.py", LIVE),
    "web/pages.py": ("tests/browser/test_pages.py", "looked at in a browser"),
    "web/routes.py": ("tests/architecture/test_docs.py", "declarations"),
    "web/schemas/": ("tests/architecture/test_docs.py", "models without code"),
}
"""Module or folder: where its tests are, and why there."""

MODULES = [path for path in modules(*PRODUCT) if not path.endswith("__init__.py")]
MAX_LINES = 260


def expected_tests(module):
    """Where the first guess looks."""
    folder, _, name = module.removeprefix("fraud_app/").rpartition("/")
    return "/".join(part for part in ("tests/unit", folder, f"test_{name}") if part)


def note_of(module):
    return next(
        (note for start, note in COVERED_ELSEWHERE.items() if module.startswith(start)), None
    )


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_test_file_of_its_name_or_a_note_why_not(module):
    if not (ROOT / expected_tests(module)).exists():
        assert note_of(module), (
            f"write {expected_tests(module)}, or say in COVERED_ELSEWHERE who tests it"
        )


def test_the_notes_are_true():
    for start, (tests, _) in COVERED_ELSEWHERE.items():
        assert (ROOT / start).exists(), f"{start} is gone"
        assert (ROOT / tests).exists(), f"{start} is said to be tested by {tests}, which is gone"
        assert any(
            not (ROOT / expected_tests(module)).exists()
            for module in MODULES
            if module.startswith(start)
        ), f"{start} has test files of its own now: take the note out"


def test_every_test_file_is_of_a_module():
    noted = {tests for tests, _ in COVERED_ELSEWHERE.values()}
    for path in sorted((ROOT / "tests/unit").rglob("test_*.py")):
        tested = path.relative_to(ROOT / "tests/unit").with_name(path.name.removeprefix("test_"))
        of_module = any((root / tested).exists() for root in (ROOT, ROOT / "fraud_app"))
        assert of_module or path.relative_to(ROOT).as_posix() in noted, (
            f"{path} tests no module of its name"
        )


@pytest.mark.parametrize("module", MODULES)
def test_a_file_is_read_in_one_go(module):
    lines = len((ROOT / module).read_text().splitlines())
    assert lines <= MAX_LINES, f"{lines} lines: two smaller files would read better"
