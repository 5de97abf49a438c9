"""Similar ideas become one, with their authors' consent; and come apart again."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from commonweal.kit.tenancy import stays_in_authority


class Migration(migrations.Migration):

    dependencies = [
        ('challenges', '0003_outcome_before_money'),
        ('places', '0004_standing_stays_here'),
        ('proposals', '0003_plain_letters'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Coauthor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('standing', models.CharField(choices=[('resident', 'Resident'), ('service-user', 'Uses the service'), ('carer', 'Carer'), ('front-line-staff', 'Front-line staff'), ('service-leader', 'Service leader'), ('charity', 'Charity'), ('enterprise', 'Enterprise')], max_length=20)),
                ('signed_as', models.CharField(blank=True, choices=[('resident', 'Resident'), ('service-user', 'Uses the service'), ('carer', 'Carer'), ('front-line-staff', 'Front-line staff'), ('service-leader', 'Service leader'), ('charity', 'Charity'), ('enterprise', 'Enterprise')], max_length=20)),
                ('signed_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('given_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('why', models.TextField(blank=True, max_length=1000)),
                ('state', models.CharField(choices=[('suggested', 'Waiting for an answer'), ('merged', 'One idea now'), ('refused', 'An author said no'), ('dropped', 'Taken back'), ('undone', 'Two ideas again')], default='suggested', max_length=10)),
                ('suggested_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='proposal',
            name='proposal_status_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='proposal',
            name='proposal_in_public_was_published',
        ),
        migrations.AlterField(
            model_name='proposal',
            name='status',
            field=models.CharField(choices=[('draft', 'Draft'), ('published', 'Idea'), ('in-ballot', 'In the ballot'), ('funded', 'Funded'), ('not-funded', 'Not funded'), ('withdrawn', 'Withdrawn'), ('hidden', 'Hidden by a moderator'), ('merged', 'Joined another idea')], default='draft', max_length=12),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='status_before',
            field=models.CharField(blank=True, choices=[('draft', 'Draft'), ('published', 'Idea'), ('in-ballot', 'In the ballot'), ('funded', 'Funded'), ('not-funded', 'Not funded'), ('withdrawn', 'Withdrawn'), ('hidden', 'Hidden by a moderator'), ('merged', 'Joined another idea')], max_length=12),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'published', 'in-ballot', 'funded', 'not-funded', 'withdrawn', 'hidden', 'merged'])), name='proposal_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ('published', 'in-ballot', 'funded', 'not-funded', 'merged')), _negated=True), ('published_at__isnull', False), _connector='OR'), name='proposal_in_public_was_published'),
        ),
        migrations.AddField(
            model_name='coauthor',
            name='organisation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='places.organisation'),
        ),
        migrations.AddField(
            model_name='coauthor',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='coauthor',
            name='proposal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='coauthors', to='proposals.proposal'),
        ),
        migrations.AddField(
            model_name='consent',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='merge',
            name='authority',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='places.authority'),
        ),
        migrations.AddField(
            model_name='merge',
            name='joining',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='joins', to='proposals.proposal'),
        ),
        migrations.AddField(
            model_name='merge',
            name='lead',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='joined_by', to='proposals.proposal'),
        ),
        migrations.AddField(
            model_name='merge',
            name='settled_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='merge',
            name='suggested_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='consent',
            name='merge',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='proposals.merge'),
        ),
        migrations.AddField(
            model_name='coauthor',
            name='merge',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='coauthors', to='proposals.merge'),
        ),
        migrations.AddField(
            model_name='signature',
            name='merge',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='signatures', to='proposals.merge'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['suggested', 'merged', 'refused', 'dropped', 'undone'])), name='merge_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('lead', models.F('joining')), _negated=True), name='merge_has_two_ideas'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('settled_at__isnull', True), ('state', 'suggested')), models.Q(models.Q(('state', 'suggested'), _negated=True), ('settled_at__isnull', False)), _connector='OR'), name='merge_is_settled_or_waits'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'merged')), fields=('joining',), name='idea_joins_one_other'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'suggested')), fields=('lead', 'joining'), name='merge_is_suggested_once'),
        ),
        migrations.AddConstraint(
            model_name='consent',
            constraint=models.UniqueConstraint(fields=('merge', 'person'), name='author_agrees_once'),
        ),
        migrations.AddConstraint(
            model_name='coauthor',
            constraint=models.UniqueConstraint(fields=('merge', 'person'), name='coauthor_joins_once'),
        ),
        migrations.AddConstraint(
            model_name='coauthor',
            constraint=models.CheckConstraint(condition=models.Q(('standing__in', ['resident', 'service-user', 'carer', 'front-line-staff', 'service-leader', 'charity', 'enterprise'])), name='coauthor_standing_is_known'),
        ),
        migrations.AddConstraint(
            model_name='coauthor',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('signed_as', ''), ('signed_at__isnull', True)), models.Q(('signed_as__in', ['resident', 'service-user', 'carer', 'front-line-staff', 'service-leader', 'charity', 'enterprise']), ('signed_at__isnull', False)), _connector='OR'), name='coauthor_had_signed_or_not'),
        ),
        stays_in_authority("proposals_merge", "lead_id", "proposals_proposal"),
        stays_in_authority("proposals_merge", "joining_id", "proposals_proposal"),
    ]
