"""Larkmere, the example borough: an invented place with invented people and believable words."""
