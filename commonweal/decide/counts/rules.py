"""Who may read a result, and when."""

from commonweal.decide.budgets.models import Pot
from commonweal.decide.budgets.rules import may_run
from commonweal.ground.places.rules import Viewer


def may_read_result(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether the viewer may read it: everybody once it is declared, staff who run it before."""
    return pot.declared_at is not None or (pot.counted_at is not None and may_run(viewer, pot))
