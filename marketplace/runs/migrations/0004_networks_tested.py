from django.db import migrations, models


def count_those_judged(apps, schema_editor):
    """Runs with figures on the test split have judged one network at least."""
    apps.get_model("runs", "Run").objects.exclude(validation={}).update(networks_tested=1)


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0003_least_gain'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='networks_tested',
            field=models.PositiveIntegerField(default=0, help_text='How many networks of this run its test split has judged; more than 1 where trials were added.'),
        ),
        migrations.RunPython(count_those_judged, migrations.RunPython.noop),
    ]
