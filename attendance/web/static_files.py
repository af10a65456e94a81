"""Static files under names that change with their content, the modules that scripts import included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStatics(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise is untyped
    """Without this a page of today could import yesterday's module out of the browser's cache."""

    support_js_module_import_aggregation = True
