"""Listen: what matters to people, and where they agree."""
