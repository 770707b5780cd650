"""`fraud topics`: creates and checks the topics in Kafka. It must never change a topic that
exists.
"""

from __future__ import annotations

import asyncio

import click

from fraud_app.topics import TOPICS


@click.command()
def topics() -> None:
    """Create the topics that are missing and check those that are there."""
    from fraud_app.kafka.topic_admin import TopicsUnusable, ensure_topics
    from fraud_app.settings import settings

    try:
        asyncio.run(ensure_topics(settings().kafka))
    except TopicsUnusable as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"topics: {', '.join(topic.name for topic in TOPICS)}")
