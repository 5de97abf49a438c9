"""The budgets app."""

from django.apps import AppConfig


class BudgetsConfig(AppConfig):
    """Money that people share out by voting."""

    name = "commonweal.decide.budgets"
    label = "budgets"
