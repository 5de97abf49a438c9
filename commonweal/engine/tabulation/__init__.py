"""Tables of counts of people, of which small ones are hidden so that nothing gives them away."""

from commonweal.engine.tabulation.cells import SMALL, hide_cells, hide_counts, merge_small

__all__ = ["SMALL", "hide_cells", "hide_counts", "merge_small"]
