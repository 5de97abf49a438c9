"""Commonweal: public services redesigned by the people who use them."""

__version__ = "0.1.0"
