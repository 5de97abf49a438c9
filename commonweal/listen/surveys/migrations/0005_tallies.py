"""What responses come to is kept in lines that are only added."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('places', '0004_standing_stays_here'),
        ('surveys', '0004_source'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('part', models.CharField(choices=[('channel', 'Responses by one way'), ('answered', 'Answers to a question'), ('option', 'One choice'), ('number', 'One number'), ('place', 'One place')], max_length=8)),
                ('value', models.CharField(blank=True, max_length=24)),
                ('near', models.CharField(blank=True, max_length=40)),
                ('people', models.IntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='response',
            name='is_counted',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddIndex(
            model_name='answer',
            index=models.Index(condition=models.Q(('shown_at__isnull', False)), fields=['item'], name='answer_shown'),
        ),
        migrations.AddIndex(
            model_name='response',
            index=models.Index(condition=models.Q(('is_counted', False)), fields=['survey'], name='response_not_counted'),
        ),
        migrations.AddField(
            model_name='tally',
            name='item',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='surveys.item'),
        ),
        migrations.AddField(
            model_name='tally',
            name='survey',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tallies', to='surveys.survey'),
        ),
        migrations.AddConstraint(
            model_name='tally',
            constraint=models.CheckConstraint(condition=models.Q(('part__in', ['channel', 'answered', 'option', 'number', 'place'])), name='tally_part_is_known'),
        ),
        migrations.AddConstraint(
            model_name='tally',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('item__isnull', True), ('part', 'channel')), models.Q(models.Q(('part', 'channel'), _negated=True), ('item__isnull', False)), _connector='OR'), name='tally_is_of_a_question'),
        ),
        migrations.AddConstraint(
            model_name='tally',
            constraint=models.CheckConstraint(condition=models.Q(('people', 0), _negated=True), name='tally_counts_somebody'),
        ),
    ]
