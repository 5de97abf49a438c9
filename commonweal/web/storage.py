"""Static files under names that carry their hash, compressed, kept for a year."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also rewrites the imports inside our JavaScript modules."""

    support_js_module_import_aggregation = True
