"""Descriptions in schemas are for who reads the schema, whatever the width of the source."""

from fraud_app.contracts.json_schema import with_unwrapped_descriptions


def test_every_description_is_unwrapped_and_nothing_else_changes():
    schema = {
        "description": "One thought,\ncontinued.\n\nAnother\none.",
        "properties": {"description": {"type": "string", "description": "a field\nof that name"}},
        "enum": ["a\nb"],
    }
    assert with_unwrapped_descriptions(schema) == {
        "description": "One thought, continued.\n\nAnother one.",
        "properties": {"description": {"type": "string", "description": "a field of that name"}},
        "enum": ["a\nb"],
    }
