"""Triggers that keep history as it was written, and the letters that a register starts with."""

from django.db import migrations

APPEND_ONLY = ("attendance_markevent", "attendance_auditevent")

# The purge after the legal retention sets rollcall.purge for its own transaction and writes an audit event.
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


# Letters of the English regulations of 2024; a school changes them in the admin.
CODES = (
    ("/", "Present", "present", True),
    ("L", "Late", "late", True),
    ("N", "Absent, reason not yet known", "absent", True),
    ("O", "Absent without authorisation", "absent", True),
    ("I", "Ill", "excused", True),
    ("M", "Medical or dental appointment", "excused", True),
    ("V", "Educational visit or trip", "excused", True),
    ("C", "Leave of absence granted", "excused", False),
)


def seed(apps, schema_editor):
    codes = apps.get_model("attendance", "AttendanceCode")
    for position, (letter, meaning, status, for_teachers) in enumerate(CODES):
        codes.objects.get_or_create(
            letter=letter,
            defaults={
                "meaning": meaning,
                "status": status,
                "for_teachers": for_teachers,
                "position": position,
            },
        )
    apps.get_model("attendance", "SchoolSettings").objects.get_or_create(id=1)


class Migration(migrations.Migration):
    dependencies = [("attendance", "0001_tables")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION rollcall_append_only();"),
        *(migrations.RunSQL(forward, back) for forward, back in guards()),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
