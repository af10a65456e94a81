"""A form that was loaded before a change and saved after it writes the old version back: the trigger keeps the newer.

Dashboards and galleries rely on versions that only rise, whichever door writes the row.
"""

from django.db import migrations

COLUMNS = (
    ("attendance_session", "version"),
    ("attendance_schoolclass", "gallery_version"),
    ("attendance_schoolsettings", "school_gallery_version"),
)


def guards():
    for table, column in COLUMNS:
        yield (
            f"CREATE FUNCTION {table}_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"NEW.{column} := greatest(NEW.{column}, OLD.{column}); RETURN NEW; END $$;"
            f"CREATE TRIGGER {table}_version BEFORE UPDATE OF {column} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_keep_version();",
            f"DROP TRIGGER {table}_version ON {table}; DROP FUNCTION {table}_keep_version();",
        )


class Migration(migrations.Migration):
    dependencies = [("attendance", "0002_guards_and_codes")]

    operations = [migrations.RunSQL(forward, back) for forward, back in guards()]
