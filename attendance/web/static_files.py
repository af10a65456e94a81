"""Static files under names that change with their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStatics(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise is untyped
    """Also renames the modules that scripts import, so that no page imports an old one from the browser's cache."""

    support_js_module_import_aggregation = True
