"""Triggers that keep history as it was written and versions from falling, and the codes that a register starts with."""

from django.db import migrations

APPEND_ONLY = ("attendance_markevent", "attendance_signature", "attendance_auditevent")

# A purge after the legal retention, when there is one, sets rollcall.purge for its own transaction and is audited.
FUNCTION = """
CREATE FUNCTION rollcall_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('rollcall.purge', true), '') = 'on' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""

# A form that was loaded before a change and saved after it writes the old version back: the trigger keeps the newer.
VERSIONS = (
    ("attendance_session", "version"),
    ("attendance_schoolclass", "gallery_version"),
    ("attendance_schoolsettings", "school_gallery_version"),
)


def guards():
    for table in APPEND_ONLY:
        yield (
            f"CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION rollcall_append_only();",
            f"DROP TRIGGER {table}_rows ON {table};",
        )
        yield (
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION rollcall_append_only();",
            f"DROP TRIGGER {table}_truncate ON {table};",
        )
    for table, column in VERSIONS:
        yield (
            f"CREATE FUNCTION {table}_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"NEW.{column} := greatest(NEW.{column}, OLD.{column}); RETURN NEW; END $$;"
            f"CREATE TRIGGER {table}_version BEFORE UPDATE OF {column} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_keep_version();",
            f"DROP TRIGGER {table}_version ON {table}; DROP FUNCTION {table}_keep_version();",
        )


# Some codes of the English regulations of 2024; a school changes them in the admin.
# Letter, name, category, on the premises, for teachers.
CODES = (
    ("/", "Present", "present", "yes", True),
    ("L", "Late", "late", "yes", True),
    ("N", "Absent, reason not yet known", "unauthorised_absence", "no", True),
    ("O", "Absent without authorisation", "unauthorised_absence", "no", True),
    ("I", "Ill", "authorised_absence", "no", True),
    ("M", "Medical or dental appointment", "authorised_absence", "no", True),
    ("V", "Educational visit or trip", "present", "no", True),
    ("C", "Leave of absence granted", "authorised_absence", "no", False),
)
CHOSEN = {
    "arrived_morning": "/",
    "arrived_afternoon": "/",
    "arrived_late": "L",
    "arrived_after_closing": "L",
    "not_seen": "N",
}


def seed(apps, schema_editor):
    codes = apps.get_model("attendance", "AttendanceCode")
    rows = {}
    for position, (letter, name, category, on_premises, for_teachers) in enumerate(CODES):
        rows[letter], _created = codes.objects.get_or_create(
            letter=letter,
            active=True,
            defaults={
                "name": name,
                "category": category,
                "on_premises": on_premises,
                "for_teachers": for_teachers,
                "position": position,
            },
        )
    chosen = {case: rows[letter] for case, letter in CHOSEN.items()}
    apps.get_model("attendance", "SchoolSettings").objects.get_or_create(id=1, defaults=chosen)


class Migration(migrations.Migration):
    dependencies = [("attendance", "0001_tables")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION rollcall_append_only();"),
        *(migrations.RunSQL(forward, back) for forward, back in guards()),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
