from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0004_networks_tested'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='file_limit_bytes',
            field=models.PositiveBigIntegerField(blank=True, help_text='Of the int8 file, by estimate; empty for any size.', null=True),
        ),
        migrations.AlterField(
            model_name='run',
            name='minutes',
            field=models.FloatField(blank=True, help_text='The search, with its last training, ends about then.', null=True),
        ),
    ]
