"""The conversations app."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """Open questions that people answer with short statements."""

    name = "commonweal.listen.conversations"
    label = "conversations"
