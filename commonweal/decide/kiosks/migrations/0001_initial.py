"""Machines that staff approved, and whom staff have just let in."""

import commonweal.decide.ballots.models
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('budgets', '0011_held_after_opening'),
        ('places', '0004_standing_stays_here'),
        ('registers', '0004_codes_stay_here'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Ticket',
            fields=[
                ('id', models.BigIntegerField(default=commonweal.decide.ballots.models.new_number, editable=False, primary_key=True, serialize=False)),
                ('digest', models.BinaryField(max_length=32, unique=True)),
                ('expires_at', models.DateTimeField()),
                ('authority', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='places.authority')),
                ('code', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registers.code')),
                ('entry', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registers.entry')),
                ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='budgets.pot')),
            ],
        ),
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.CharField(max_length=120)),
                ('digest', models.BinaryField(max_length=32, unique=True)),
                ('made_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('authority', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='places.authority')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='budgets.pot')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('place', ''), _negated=True), name='kiosk_stands_somewhere'), models.CheckConstraint(condition=models.Q(('made_at__lt', models.F('expires_at'))), name='kiosk_works_for_a_while')],
            },
        ),
    ]
