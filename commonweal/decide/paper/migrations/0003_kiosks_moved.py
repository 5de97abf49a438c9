"""Kiosks went to an app of their own."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("paper", "0002_held"), ("kiosks", "0002_from_paper")]
    operations = [
        migrations.DeleteModel(name="Device"),
        migrations.DeleteModel(name="Ticket"),
    ]
