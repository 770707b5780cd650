"""What we lean on of other libraries' private parts, name by name: an upgrade that lacks one fails
here, with a sentence, before it fails at night. Outside `fraud_app/kafka/` there is none but
LightGBM's loaded library.
"""

import ast
import importlib
import inspect
from collections import defaultdict

import pytest

from tests.support.source import PRODUCT, modules

FAUST_CONSUMER = "faust.transport.consumer:Consumer"
FAUST_THREAD_DELEGATE = "faust.transport.consumer:ThreadDelegateConsumer"
FAUST_THREAD = "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread"
ROCKSDB = "faust.stores.rocksdb:Store"
COORDINATOR = "aiokafka.consumer.group_coordinator:GroupCoordinator"
FETCHER = "aiokafka.consumer.fetcher:Fetcher"
FETCH_RESULT = "aiokafka.consumer.fetcher:FetchResult"
PARTITION_RECORDS = "aiokafka.consumer.fetcher:PartitionRecords"
MEMORY_RECORDS = "aiokafka.record.memory_records:_MemoryRecordsPy"
RECORD_BATCH = "aiokafka.record.default_records:_DefaultRecordBatchPy"
ACCUMULATOR = "aiokafka.producer.message_accumulator:MessageAccumulator"
REDIS_CONNECTION = "redis.asyncio.connection:AbstractConnection"

USED = {
    "_CLASSES": "aiokafka.protocol.fetch:FetchRequest",
    "_LIB": "lightgbm.basic",
    "_aborted_producers": PARTITION_RECORDS,
    "_aborted_transactions": PARTITION_RECORDS,
    "_append_batch": ACCUMULATOR,
    "_batch_ttl": ACCUMULATOR,
    "_batches": ACCUMULATOR,
    "_buffer": RECORD_BATCH,
    "_buffered_partitions": FAUST_CONSUMER,
    "_builder": "aiokafka.producer.message_accumulator:MessageBatch",
    "_client": "aiokafka:AIOKafkaConsumer",
    "_closing": COORDINATOR,
    "_committed_offset": FAUST_CONSUMER,
    "_coordination_routine": COORDINATOR,
    "_coordination_task": COORDINATOR,
    "_coordinator": "aiokafka:AIOKafkaConsumer",
    "_db_for_partition": ROCKSDB,
    "_dbs": ROCKSDB,
    "_do_heartbeat": "aiokafka.consumer.group_coordinator:GroupCoordinator",
    "_ensure_consumer": FAUST_THREAD,
    "_ensure_producer": "faust.transport.drivers.aiokafka:Producer",
    "_exception": ACCUMULATOR,
    "_fetch_max_wait_ms": FETCHER,
    "_fetch_records": FAUST_THREAD,
    "_fetcher": "aiokafka:AIOKafkaConsumer",
    "_get_active_partitions": FAUST_CONSUMER,
    "_isolation_level": FETCHER,
    "_message_accumulator": "aiokafka:AIOKafkaProducer",
    "_next_slice": MEMORY_RECORDS,
    "_partition_records": FETCH_RESULT,
    "_prefetch_backoff": FETCHER,
    "_proc_fetch_request": FETCHER,
    "_records": FETCHER,
    "_request_timeout_ms": "aiokafka:AIOKafkaConsumer",
    "_runner": "faust.web.drivers.aiohttp:Web",
    "_serve": "mode.threads:ServiceThread",
    "_subscription": "aiokafka:AIOKafkaConsumer",
    "_subscriptions": FETCHER,
    "_thread": FAUST_THREAD_DELEGATE,
    "_to_message": FAUST_CONSUMER,
    "_tp": PARTITION_RECORDS,
    "_tp_index": "faust.transport.conductor:Conductor",
    "_unacked_messages": FAUST_CONSUMER,
    "_wait_on_metadata": "aiokafka.client:AIOKafkaClient",
    "_waiting_for_ack": FAUST_CONSUMER,
}
"""Private names that are called or read, and the class or module that has each."""

OVERRIDDEN = {
    "_commit": FAUST_THREAD,
    "_create_worker_consumer": FAUST_THREAD,
    "_filter_tps_with_pending_acks": FAUST_CONSUMER,
    "_gather_remaining_tasks": "mode.threads:ServiceThread",
    "_highwaters": FAUST_THREAD,
    "_maybe_uncompress": RECORD_BATCH,
    "_new_consumer_thread": FAUST_THREAD_DELEGATE,
    "_make_server": "aiohttp.web:AppRunner",
    "_new_offset": FAUST_CONSUMER,
    "_new_store_by_url": "faust.tables.base:Collection",
    "_new_transport": "faust:App",
    "_new_web": "faust:App",
    "_unpack_records": PARTITION_RECORDS,
    "_open_for_partition": ROCKSDB,
    "_wait_next_records": FAUST_CONSUMER,
    "getall": FETCH_RESULT,
    "next_batch": MEMORY_RECORDS,
    "Worker": "mode.threads:ServiceThread",
}
"""Methods of libraries that our own classes replace."""

UNDOCUMENTED = {
    "check_errors": COORDINATOR,
    "ensure_coordinator_known": COORDINATOR,
    "seek_to_committed": FAUST_THREAD,
    "seek_wait": FAUST_THREAD,
    "earliest_offsets": FAUST_THREAD,
    "tp_last_committed_at": FAUST_THREAD,
    "is_connected": REDIS_CONNECTION,
    "read_response": REDIS_CONNECTION,
    "send_packed_command": REDIS_CONNECTION,
    "socket_timeout": REDIS_CONNECTION,
    "MemoryRecords": "aiokafka.consumer.fetcher",
    "next_fetch_offset": PARTITION_RECORDS,
    "end_offsets": FETCHER,
    "make_connection": "redis.asyncio.connection:ConnectionPool",
    "reset_generation": "aiokafka.consumer.group_coordinator:GroupCoordinator",
    "assigned_actives": "faust.assignor.partition_assignor:PartitionAssignor",
    "active_remaining_total": "faust.tables.recovery:Recovery",
    "set_persisted_offset": ROCKSDB,
    "persisted_offset": ROCKSDB,
    "partition_path": ROCKSDB,
    "offset_key": ROCKSDB,
    "on_recovery_completed": "faust.tables.base:Collection",
    "highwaters": FAUST_CONSUMER,
    "force_metadata_update": "aiokafka.client:AIOKafkaClient",
    "create_builder": ACCUMULATOR,
    "getmany": FAUST_CONSUMER,
    "unacked": FAUST_CONSUMER,
    "wait_empty": FAUST_CONSUMER,
    "suspend_flow": FAUST_CONSUMER,
    "flow_active": FAUST_CONSUMER,
    "apply_changelog_batch": "faust.tables.base:Collection",
    "changelog_topic_name": "faust.tables.base:Collection",
    "finish_response": "aiohttp.web:RequestHandler",
    "force_close": "aiohttp.web:RequestHandler",
    "handle_error": "aiohttp.web:RequestHandler",
    "request_factory": "aiohttp.web:Server",
    "request_handler": "aiohttp.web:Server",
}
"""Public by name, but in nobody's documentation."""

OF_THE_SAME_NAME = {"_thread", "_records", "_batches", "_exception"}
"""Attributes that our own classes have, too."""
ALLOWED_IN = ("fraud_app/kafka/", "ml/serving/booster.py")
NOT_PRIVATE = {"_replace", "_asdict", "_fields", "_make", "_exit"}
"""Documented parts of the standard library."""


def owner(path):
    module, _, name = path.partition(":")
    loaded = importlib.import_module(module)
    return getattr(loaded, name) if name else loaded


def has(thing, name):
    """Whether a module or class has it; of a class also what its methods set on `self`."""
    if hasattr(thing, name):
        return True
    return inspect.isclass(thing) and any(
        f"self.{name}" in inspect.getsource(base)
        for base in thing.__mro__
        if base.__module__ != "builtins"
    )


@pytest.mark.parametrize(
    ("name", "path"), [*USED.items(), *OVERRIDDEN.items(), *UNDOCUMENTED.items()], ids=str
)
def test_the_library_still_has_what_we_lean_on(name, path):
    assert has(owner(path), name), (
        f"{path} has no {name} any more: find who uses it (grep -rn '{name}' fraud_app tables ml), "
        "see what replaced it in the new release, and run tests/integration before you upgrade"
    )


def own_names(trees):
    """Names that our own code defines, as functions, classes, variables or attributes."""
    names = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr) if isinstance(node.value, ast.Name) else None
    return names


def private_uses():
    """Private names that none of our own modules defines, with the files that use each."""
    trees = modules(*PRODUCT)
    own = own_names(trees) - set(USED)
    uses = defaultdict(set)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or node.attr in own | NOT_PRIVATE:
                continue
            on_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            if private and not (
                on_self and node.attr in {"_thread", "_records", "_batches", "_exception"}
            ):
                uses[node.attr].add(path)
    return uses


def test_every_private_name_in_use_is_listed_and_no_listed_one_is_unused():
    uses = private_uses()
    assert set(uses) - set(USED) == set(), "list them in USED, or better: do without"
    assert set(USED) - set(uses) == set(), "nobody uses these any more: take them out of USED"


def test_private_parts_are_touched_in_one_room_only():
    elsewhere = {
        name: sorted(path for path in paths if not path.startswith(ALLOWED_IN))
        for name, paths in private_uses().items()
    }
    assert {name: paths for name, paths in elsewhere.items() if paths} == {}
